import Architectures
import ArgumentParser
import CompressKit
import Distill
import Evidence
import Foundation
import ObjectDetection
import Training

/// Who learns from whom, and how.
struct DistillOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The network to learn from, ONNX or HDF5. (default: the embedded detector)",
      valueName: "file"), completion: .file())
  var teacher: String?

  @Option(
    help: ArgumentHelp(
      "The network that learns: any model file, such as the teacher pruned or factorised. (default: one that is built, see --arch)",
      valueName: "file"), completion: .file())
  var student: String?

  @Option(
    help: ArgumentHelp(
      "Build the student: \(Architecture.all.map(\.name).joined(separator: ", ")). (default: yolov8n)",
      valueName: "name"), completion: .list(Architecture.all.map(\.name)))
  var arch: String?

  @Option(
    help:
      "What the built student's channels are multiplied by: of those of the embedded detector, or of --arch's. (default: 0.5)"
  )
  var width: Double?

  @Option(help: "What its repetitions of blocks are multiplied by. (default: 1)")
  var depth: Double?

  @Flag(help: "Draw the weights of the --student file anew.")
  var fromScratch = false

  @Option(
    help: ArgumentHelp(
      "The losses between student and teacher, with commas between, each with an optional weight and settings, as "
        + "kd=2:temperature=4,fitnet=0.5: "
        + DistillationLoss.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: kd,ld where both heads score the same classes in the same cells, else boxes)",
      valueName: "losses"))
  var loss: String?

  @Option(
    help: ArgumentHelp(
      "What the loss against labels is multiplied by; 0 learns from the teacher alone and needs no labels.",
      valueName: "weight"))
  var labelWeight = 1.0

  @Option(
    help: ArgumentHelp(
      "Where features are compared: auto, or names of values as teacher=student with commas between.",
      valueName: "names"))
  var layers = "auto"

  @Flag(
    help:
      "Train the same student once more with the same seed and budget on labels alone, and show it beside the result."
  )
  var control = false

  @Option(
    help: ArgumentHelp("The images to train on, in the forms of --data.", valueName: "path"))
  var trainData: String?

  @Option(
    help: ArgumentHelp(
      "How training images are varied: \(Augmentation.presetNames.joined(separator: ", ")). (default: light)"
    ), completion: .list(Augmentation.presetNames))
  var augment: String?

  @Option(
    help: ArgumentHelp(
      "Learning rate of what losses learn along with the student: adapters, generators, discriminators.",
      valueName: "rate"))
  var adapterLr = 0.001

  @Option(
    help: ArgumentHelp(
      "Keep the teacher's values in an HDF5 file, and take from it those of images that were seen before, varied alike.",
      valueName: "file"), completion: .file())
  var cache: String?

  @Option(
    help: ArgumentHelp(
      "The most megabytes (10⁶ bytes) the cache holds.", valueName: "MB"))
  var cacheLimit = 1000

  @Option(help: "The seed of initial weights, order, augmentation and what is held out.")
  var seed: UInt64 = 0

  mutating func validate() throws {
    if let augment, Augmentation.named(augment) == nil {
      throw ValidationError(
        "--augment takes \(Augmentation.presetNames.joined(separator: ", ")), found '\(augment)'.")
    }
    if student != nil, arch != nil || width != nil || depth != nil {
      throw ValidationError("Give either --student or --arch, --width and --depth, not both.")
    }
    if student == nil && fromScratch {
      throw ValidationError("--from-scratch is for a --student file; built students are new.")
    }
    if let arch, Architecture.named(arch) == nil {
      throw ValidationError(
        "--arch takes \(Architecture.all.map(\.name).joined(separator: ", ")), found '\(arch)'.")
    }
    for (flag, value) in [("--width", width), ("--depth", depth)] {
      if let value, !(value > 0 && value <= 16) {
        throw ValidationError("\(flag) must be above 0 and at most 16, found \(value).")
      }
    }
    guard labelWeight >= 0, labelWeight.isFinite else {
      throw ValidationError("--label-weight must be at least 0, found \(labelWeight).")
    }
    guard adapterLr >= 0, adapterLr.isFinite else {
      throw ValidationError("--adapter-lr must be at least 0, found \(adapterLr).")
    }
    try NumberRange.counts.check(("--cache-limit", cacheLimit))
    do { _ = try loss.map(DistillationChoice.parse) } catch let error as DistillationError {
      throw ValidationError("--loss: \(error)")
    }
    _ = try pairs()
  }

  /// The feature points that are named; `nil` for automatic ones.
  func pairs() throws -> [(teacher: String, student: String)]? {
    guard layers != "auto" else { return nil }
    return try layers.split(separator: ",", omittingEmptySubsequences: false).map { text in
      let names = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard names.count == 2, !names.contains("") else {
        throw ValidationError("--layers takes auto, or teacher=student names, found '\(text)'.")
      }
      return (names[0], names[1])
    }
  }

  /// What the options ask for.
  func configuration(
    _ training: TrainingOptions, epochs: Int
  ) throws -> Distillation.Configuration {
    var configuration = Distillation.Configuration(
      losses: try loss.map(DistillationChoice.parse) ?? [],
      training: settings(training, epochs: epochs))
    configuration.labelWeight = labelWeight
    configuration.pairs = try pairs()
    configuration.adapterLearningRate = adapterLr
    configuration.cache = cache.map {
      .init(file: URL(filePath: $0), limit: cacheLimit * 1_000_000)
    }
    configuration.trainsControl = control
    return configuration
  }

  /// What the embedded detector's channels are, as a width of its architecture.
  private static let embeddedWidth = 0.5

  /// The network that learns.
  ///
  /// - Throws: What reading a file or building throws.
  func student(
    of teacher: DistilledDetector, isEmbedded: Bool, inputs: InputValues?, engine: Engine
  ) throws -> StudentModel {
    if let student {
      return try StudentModel(
        ModelArtifact(student, inputs: inputs, isOneOfMany: true),
        drawnBy: fromScratch ? seed : nil, registry: engine.registry)
    }
    let name = arch ?? "yolov8n"
    guard let architecture = Architecture.named(name) else {
      throw CommandError(.usage, "--arch \(name) is not known")
    }
    let isHalved = isEmbedded && arch == nil
    return try StudentModel(
      architecture, width: (width ?? 0.5) * (isHalved ? Self.embeddedWidth : 1), depth: depth,
      like: teacher, seed: seed)
  }

  /// The settings of the training: by AdamW unless the options say otherwise, gently for a student
  /// that has learnt before.
  func settings(_ training: TrainingOptions, epochs: Int) -> DetectorTraining.Settings {
    var defaults = TrainingConfiguration()
    let isNew = student == nil || fromScratch
    (defaults.epochs, defaults.optimizer) = (epochs, "adamw")
    defaults.learningRate = isNew ? 0.002 : 0.001
    var settings = DetectorTraining.Settings(
      training: training.configuration(defaults: defaults),
      augmentation: augment.flatMap(Augmentation.named) ?? .light, loss: .labels, seed: seed)
    settings.training.epochs = epochs
    return settings
  }
}
