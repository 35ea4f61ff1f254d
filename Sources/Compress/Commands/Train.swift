import Architectures
import ArgumentParser
import Evidence
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors
import Training

/// `compress train`: trains a detector from scratch, or fine-tunes a file.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a detector from nothing, or fine-tune a model file.")

  @Argument(help: "The model file to fine-tune, ONNX or HDF5.", completion: .file())
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Train this architecture from nothing: \(Architecture.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"), completion: .list(Architecture.all.map(\.name)))
  var arch: String?

  @Option(help: "What the architecture's channels are multiplied by. (default: 1)")
  var width: Double?

  @Option(help: "What its repetitions of blocks are multiplied by. (default: 1)")
  var depth: Double?

  @Option(
    help: ArgumentHelp(
      "Classes to detect, separated by commas, or auto for those of the data; a model file gets a new head for them. (default: an architecture has those of the data, a file keeps its own)",
      valueName: "names"))
  var classes: String?

  @Flag(
    help:
      "Put batch normalisations back behind a file's convolutions, calibrated so that nothing changes at first."
  )
  var insertBatchnorm = false

  @Option(
    help: ArgumentHelp(
      "The training images: a COCO folder or JSON file, a Pascal VOC folder, a YOLO data.yaml, or a packed .h5 file.",
      valueName: "path"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "The folder that the images of --data lie in, where that is not beside the labels; "
        + "without --data: how many embedded scenes to learn from. "
        + "(default: \(EmbeddedData.trainingCount) scenes)",
      valueName: "dir"), completion: .directory)
  var images: ImagesChoice?

  @Flag(help: "Leave out images that cannot be read, naming each, instead of stopping.")
  var skipBad = false

  @Option(help: "Which split of a VOC or YOLO set to train on. (default: train)")
  var split: String?

  @Option(
    help: ArgumentHelp("The validation images, in the same forms.", valueName: "path"))
  var valData: String?

  @Option(help: "Which split to validate on. (default: val)")
  var valSplit: String?

  @Option(
    help: ArgumentHelp(
      "The fraction of the images held out for validation when nothing else says; 0 for none. (default: 0.1)",
      valueName: "fraction"))
  var holdout: Double?

  @Option(
    help: ArgumentHelp(
      "labels: the loss of the head's family. match: the distance to the outputs of the model as it was, without labels."
    ))
  var loss = DetectorTraining.Loss.labels

  @Option(
    help: ArgumentHelp(
      "How images are varied: \(Augmentation.presetNames.joined(separator: ", ")). (default: standard from nothing, light for a file)"
    ), completion: .list(Augmentation.presetNames))
  var augment: String?

  @Option(help: "The seed of initial weights, order, augmentation and what is held out.")
  var seed: UInt64 = 0

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder of the run. (default: MODEL-train)", valueName: "folder"),
    completion: .directory)
  var output: String?

  @Flag(help: "Begin anew in a folder that holds a run.")
  var force = false

  @Option(
    help: ArgumentHelp("Go on with the run in a folder.", valueName: "folder"),
    completion: .directory)
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Least mAP (COCO AP, 0…1) of the best model; exit status 3 if it has less.",
      valueName: "ap"))
  var minMap: Double?

  @Flag(help: "Print what would be trained; train nothing.")
  var dryRun = false

  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    if model != nil && arch != nil {
      throw ValidationError("Give either a model file or --arch, not both.")
    }
    if let arch, Architecture.named(arch) == nil {
      throw ValidationError(
        "--arch takes \(Architecture.all.map(\.name).joined(separator: ", ")), found '\(arch)'.")
    }
    if arch == nil, width != nil || depth != nil {
      throw ValidationError("--width and --depth are for --arch.")
    }
    if arch != nil && insertBatchnorm {
      throw ValidationError("--insert-batchnorm is for model files; architectures have theirs.")
    }
    for (flag, value) in [("--width", width), ("--depth", depth)] {
      if let value, !(value > 0 && value <= 16) {
        throw ValidationError("\(flag) must be above 0 and at most 16, found \(value).")
      }
    }
    try ImagesChoice.check(images, data: data)
    if arch != nil, let size = head.inputs.imgsz?.size {
      guard size.height == size.width, (32...4096).contains(size.height), size.height % 32 == 0
      else {
        throw ValidationError(
          "--imgsz of an --arch must be a multiple of 32 from 32 to 4096, found \(size).")
      }
    }
    if let holdout, !(0..<1).contains(holdout) {
      throw ValidationError("--holdout must be at least 0 and below 1, found \(holdout).")
    }
    if training.epochs == 0 { throw ValidationError("--epochs must be at least 1, found 0.") }
    if let minMap, !(0...1).contains(minMap) {
      throw ValidationError("--min-map must lie between 0 and 1, found \(minMap).")
    }
    if let augment, Augmentation.named(augment) == nil {
      throw ValidationError(
        "--augment takes \(Augmentation.presetNames.joined(separator: ", ")), found '\(augment)'.")
    }
    if resume != nil, model != nil || arch != nil || data != nil || output != nil {
      throw ValidationError(
        "--resume takes everything from its folder; leave out model, --arch, --data and --output.")
    }
  }

  func run() throws {
    if let resume {
      let folder = TrainingFolder(resume)
      let job = try folder.job()
      let start = try ModelArtifact(folder.start.path)
      InputFile.release(folder.settings)
      InputFile.release(folder.start)
      return try start.naming {
        try train(job, try job.datasets(common), start.graph, in: folder, isResumed: true)
      }
    }
    let job = makeJob()
    let folder = TrainingFolder(output ?? "\(stem)-train")
    try checkIsFree(folder)
    var files = VerbFiles(models: [("the model", model)], others: [data, valData, head.file])
    if !dryRun { try files.fill("--output", folder.url.path, files: TrainingFolder.names) }
    try files.check()
    let datasets = try job.datasets(common)
    try ModelError.naming(model ?? stem) {
      try train(
        job, datasets, try startingModel(datasets.training), in: folder, isResumed: false)
    }
  }

  private func checkIsFree(_ folder: TrainingFolder) throws {
    guard try dryRun || force || !folder.isTaken else {
      throw CommandError(
        .usage,
        "\(folder.url.relativePath): holds a run already; go on with --resume, begin anew with "
          + "--force, or give another --output")
    }
  }

  private var stem: String {
    arch ?? model.map { URL(filePath: $0).deletingPathExtension().lastPathComponent } ?? "default"
  }

  private func makeJob() -> TrainingJob {
    var defaults = TrainingConfiguration()
    (defaults.epochs, defaults.learningRate) = arch == nil ? (20, 0.002) : (100, 0.01)
    let augmentation =
      augment.flatMap(Augmentation.named) ?? (arch == nil ? .light : .standard)
    var job = TrainingJob(
      title: "Training \(stem)" + (width.map { " × \($0)" } ?? ""),
      training: source(data, split: split),
      validation: valData.map { source($0, split: valSplit) },
      embeddedCount: images?.count ?? EmbeddedData.trainingCount,
      holdout: holdout ?? 0.1,
      settings: .init(
        training: training.configuration(defaults: defaults), augmentation: augmentation,
        loss: loss, seed: seed))
    if let data, valData == nil, holdout == nil, Dataset.hasSplits(URL(filePath: data)) {
      job.training.split = split ?? "train"
      job.validation = source(data, split: valSplit ?? "val")
    }
    if data == nil, valData == nil { job.validation = .init() }
    return job
  }

  private func source(_ path: String?, split: String?) -> TrainingJob.Images {
    .init(
      path: path, split: split, images: path == data ? images?.folder : nil,
      skipsBad: skipBad ? true : nil)
  }

  /// The model that training starts from: built, or read.
  private func startingModel(_ training: Dataset) throws -> Graph {
    let names = classes.map { text in
      text == "auto"
        ? training.categories.map(\.name) : text.split(separator: ",").map(String.init)
    }
    guard let arch, let architecture = Architecture.named(arch) else {
      let loaded = try ModelArtifact(model, inputs: head.inputs.values())
      try loaded.checkWeights()
      var adaptation = ModelAdaptation(
        loaded.graph, head: try head.settings(), engine: try head.engine(common))
      if let names { try adaptation.replaceClasses(names, seed: seed) }
      if insertBatchnorm { try adaptation.insertBatchNormalization(training) }
      return adaptation.graph
    }
    return try architecture.build(
      ArchitectureOptions(
        classes: names ?? training.categories.map(\.name), width: width ?? 1, depth: depth ?? 1,
        imageSize: head.inputs.imgsz?.size.height ?? (data == nil ? EmbeddedData.size : 320),
        seed: seed))
  }

  private func train(
    _ job: TrainingJob, _ datasets: (training: Dataset, validation: Dataset?), _ graph: Graph,
    in folder: TrainingFolder, isResumed: Bool
  ) throws {
    let training = try DetectorTraining(
      graph, head: head.settings(), training: datasets.training, validation: datasets.validation,
      settings: job.settings, engine: head.engine(common))
    let trainer = try training.trainer()
    let run = TrainingRun(
      training: training, trainer: trainer, title: job.title, folder: folder, common: common)
    run.announce()
    if dryRun { return try run.show(end: nil, wasFinished: false, format: common.format) }
    var stepsBefore: Int?
    // Another run may have begun here while the images were read.
    let (end, signal) = try FolderLock.during(folder.url) {
      if isResumed {
        try trainer.restore(TrainingCheckpoint(contentsOf: folder.checkpoint))
        stepsBefore = trainer.progress.step
      } else {
        try checkIsFree(folder)
        try folder.begin(job, model: training.graph)
      }
      return try run.run()
    }
    try run.show(
      end: end, wasFinished: stepsBefore == trainer.progress.step && signal == nil,
      format: common.format)
    if let signal { Foundation.exit(128 + signal) }
    if case .diverged = end { throw QualityFloorMissed() }
    if let minMap, let best = trainer.progress.bestScore, best < minMap {
      Console.error(
        "the best mAP is \(Format.metric(best)), below --min-map \(minMap); "
          + "\(folder.best.relativePath) is written all the same")
      throw QualityFloorMissed()
    }
  }
}
