import ArgumentParser
import Compression
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Reports
import Training

/// `compress prune`: sets weights to zero and refits the others, or removes the least important
/// channels.
struct PruneCommand: CompressionCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract:
      "Set the least important weights to zero, or remove channels, and compare before and after.")

  @Argument(
    help: "The model file, ONNX or HDF5. (default: the embedded detector)", completion: .file())
  var model: String?

  @OptionGroup(title: "Choosing") var pruning: PruningOptions
  @OptionGroup(title: "Channels") var channels: ChannelOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write; .h5 and .hdf5 make HDF5. (default: MODEL-pruned.onnx in the current folder)",
      valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Print the plan; write no model.")
  var dryRun = false

  @Flag(help: "Store weights with many zeros as ONNX sparse initializers where that is smaller.")
  var sparseInitializers = false

  @OptionGroup(title: "Training") var tuning: TuningOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Recovery") var recovery: RecoveryOptions
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  /// Epochs that the embedded detector is trained on when nothing is said.
  static let embeddedEpochs = 4
  /// Images that are looked at to remove channels, and to refit weights.
  private static let (channelImages, weightImages) = (64, 128)

  func validate() throws {
    try checkEnds(isEmbedded: model == nil)
    try recovery.check(
      epochs: training.epochs, training: training, isDry: dryRun,
      hasImages: model == nil || data.data != nil || tuning.trainData != nil
        || channels.calib != nil)
    if pruning.plan != nil && training.epochs ?? 0 > 0 {
      throw ValidationError("--plan is applied without training; leave out --epochs.")
    }
    if channels.isSet && !pruning.removesChannels && pruning.plan == nil
      && !channels.namesImagesAlone
    {
      throw ValidationError("--allocation, --target-macs and their like are for --channels.")
    }
    if pruning.sparsity != nil,
      channels.channelRatio != nil || channels.targetMacs != nil || channels.targetLatency != nil
    {
      throw ValidationError(
        "Give one of --sparsity, --channel-ratio, --target-macs and --target-latency.")
    }
    if pruning.looksAtImages && pruning.growsInTraining {
      throw ValidationError(
        "--method obs prunes at once, before any training; leave out --schedule \(pruning.schedule?.rawValue ?? "")."
      )
    }
    if pruning.shapesTraining && !trains {
      throw ValidationError("--schedule and its options need --epochs of training.")
    }
    if trains && model != nil && data.data == nil && tuning.trainData == nil {
      throw ValidationError("Training needs images: give --data or --train-data.")
    }
  }

  private var epochs: Int {
    training.epochs
      ?? (model == nil && pruning.plan == nil && !recovery.isSet ? Self.embeddedEpochs : 0)
  }
  private var looksAtGradients: Bool {
    if pruning.removesChannels {
      return (try? pruning.channelCriterion().need) == .gradients
    }
    return (try? pruning.request().criterion.needsGradients) ?? false
  }
  private var trains: Bool { !dryRun && (epochs > 0 || looksAtGradients) }

  func run() throws {
    let source = try ModelArtifact(model, inputs: head.inputs.values())
    try source.naming(plan: pruning.plan) { try run(source) }
  }

  private func run(_ source: ModelArtifact) throws {
    let target = target(source, "pruned")
    try checkFiles(
      source, target: target, models: [("the model", model)],
      others: [
        pruning.plan, channels.sensitivity, channels.calib, tuning.trainData, recovery.path,
      ],
      writes: [("--plan-out", pruning.planOut)])
    try source.checkWeights(
      excluding: pruning.exclude.map { NamePattern($0) },
      hint: ", or leave its layer out with --exclude")
    switch try pruning.plan.map(PruningPlanFile.init) {
    case .channels(let plan)?: try removeChannels(source, target, replaying: plan)
    case .weights(let plan)?: try zeroWeights(source, target, replaying: plan)
    case nil where pruning.removesChannels: try removeChannels(source, target)
    case nil: try zeroWeights(source, target)
    }
  }

  /// The images to train and to score on.
  ///
  /// - Parameter looks: How many images the network is looked at with, unless the options say so; 0
  ///   for none.
  private func images(_ source: ModelArtifact, looks: Int) throws -> DatasetSplit {
    // Images for training stand in for those to look at.
    let standsIn =
      channels.calib == nil && (model == nil || data.data != nil || tuning.trainData != nil)
    return try DatasetSplit(
      data: data, trainData: tuning.trainData, isEmbedded: source.isEmbedded,
      trains: trains || channels.preparesByTraining || recovery.learns(besides: channels.calib),
      looks: looks > 0 && standsIn ? channels.calibCount ?? looks : 0,
      seed: pruning.seed ?? 0,
      learnsLabels: trains && tuning.loss == .labels, common: common)
  }

  /// The images to look at.
  ///
  /// - Parameters:
  ///   - count: How many, unless the options say so.
  ///   - drawn: The images to take where there are none; `nil` for noise.
  private func calibration(
    _ images: DatasetSplit, count: Int, drawn: @autoclosure () -> Dataset? = nil
  ) throws -> CalibrationChoice {
    try CalibrationChoice(
      path: channels.calib, otherwise: images.learning ?? drawn(),
      count: channels.calibCount ?? count, common: common)
  }

  private var settings: DetectorTraining.Settings {
    tuning.settings(training, epochs: epochs, seed: pruning.seed ?? 0)
  }

  /// Recovers a network where that is asked for; the images that it is trained on are noted.
  private func recover(
    _ graph: inout Graph, _ prediction: inout Prediction?, _ source: ModelArtifact,
    _ images: inout DatasetSplit, _ calibration: Dataset?, _ engine: Engine
  ) throws -> RecoveryLog? {
    guard recovery.isSet else { return nil }
    let learning = try recovery.images(calibration, images.learning, data, common)
    images.learning = learning
    return try Recovery(
      recovery.configuration(training, tuning, seed: pruning.seed ?? 0),
      head: try head.settings(), engine: engine
    ).replace(&graph, in: &prediction, towards: source.graph, images: learning, engine: engine)
  }

  /// The images of --calib where no method looks at them.
  private func named() throws -> Dataset? {
    guard recovery.isSet, recovery.path == nil else { return nil }
    return try channels.calib.map { try DataSource(path: $0, looksAtImages: false).load(common) }
  }

  // MARK: Channels

  private func removeChannels(
    _ source: ModelArtifact, _ target: String, replaying plan: ChannelPlan? = nil
  ) throws {
    var images = try images(source, looks: Self.channelImages)
    let engine = try head.engine(common)
    let method = ChannelPruning(
      try channels.configuration(
        settled(source, engine), training: settings, trains: epochs > 0), head: try head.settings(),
      engine: engine)
    if dryRun {
      let (chosen, isMet) = try method.plan(
        for: source.graph,
        images: try calibration(images, count: Self.channelImages).images(
          for: source.graph, head: head, engine: engine),
        learning: images.learning)
      try save(chosen, to: pruning.planOut)
      return try common.show(
        ChannelPruneResult(input: source.path, plan: chosen, isTargetMet: isMet))
    }
    let calibration = try calibration(images, count: Self.channelImages)
    let seen = try calibration.images(for: source.graph, head: head, engine: engine)
    let outcome =
      try plan.map { try method.apply($0, to: source.graph, images: seen) }
      ?? method.run(on: source.graph, images: seen, learning: images.learning)
    try save(outcome.plan, to: pruning.planOut)
    var (graph, prediction) = (outcome.graph, Optional(outcome.prediction))
    let log = try recover(&graph, &prediction, source, &images, calibration.named, engine)
    var remarks = outcome.remarks
    if outcome.ranOnNoise {
      remarks.append(
        "no images were given: readers do not get the mean of removed channels, normalisations stay as they are, "
          + "and the proof ran on noise; give --calib")
    }
    for remark in remarks { common.logger.notice("\(remark)") }
    var delivery = Delivery(
      graph: graph,
      record: PruningRecord(outcome.plan, proof: outcome.proof, source: source),
      title: "without \(Format.percent(outcome.plan.channelRatio)) of its channels",
      notes: [ChannelPruneResult.proofNote(outcome.proof)] + [log?.sentence].compactMap { $0 },
      seed: outcome.plan.seed,
      log: outcome.trainer.map { TrainingLog($0, title: "Training after pruning") },
      sparseInitializers: sparseInitializers)
    delivery.prediction = prediction
    try delivery.send(
      source, to: target,
      setting(
        images, seed: outcome.plan.seed, calibration: calibration.named,
        seen: calibration.dataset))
    if let folder = comparison.report { try ChannelReport(outcome).write(to: folder) }
    var result = ChannelPruneResult(
      input: source.path, plan: outcome.plan, isTargetMet: outcome.isTargetMet)
    (result.proof, result.remarks, result.recovery) = (outcome.proof, remarks, log)
    result.reconstruction = outcome.reconstruction.isEmpty ? nil : outcome.reconstruction
    result.epochs = outcome.trainer.map { _ in epochs }
    try end(
      result, delivery, target: target,
      remedies: remedies(method: outcome.plan.method, isTrained: outcome.trainer != nil))
  }

  /// The options with a method for channels: the named one, else the one that the images allow.
  private func settled(_ source: ModelArtifact, _ engine: Engine) -> PruningOptions {
    var pruning = pruning
    let looks =
      source.isEmbedded || channels.calib != nil || data.data != nil || tuning.trainData != nil
    if pruning.method == nil, looks,
      (try? source.graph.onlyImageInput(engine.inputShapes)) != nil
    {
      pruning.method = ChannelCriterion.secondOrder.name
    }
    return pruning
  }

  // MARK: Weights

  private func zeroWeights(
    _ source: ModelArtifact, _ target: String, replaying known: PruningPlan? = nil
  ) throws {
    let engine = try head.engine(common)
    var configuration = WeightPruning.Configuration(try request(for: source, engine))
    configuration.schedule = try pruning.sparsitySchedule()
    (configuration.frequency, configuration.training) = (pruning.pruneEvery, settings)
    let method = WeightPruning(configuration, head: try head.settings(), engine: engine)
    var images = try images(
      source, looks: method.needsImages(replaying: known) ? Self.weightImages : 0)
    var calibration: CalibrationChoice?
    func seen() throws -> CalibrationImages {
      let choice = try self.calibration(
        images, count: Self.weightImages, drawn: drawn())
      calibration = choice
      return try choice.images(for: source.graph, head: head, engine: engine)
    }
    if dryRun {
      let plan = try known ?? method.plan(for: source.graph, images: try seen())
      announce(plan)
      try save(plan, to: pruning.planOut)
      return try common.show(PruneResult(input: source.path, plan: plan))
    }
    var outcome = try method.run(
      on: source.graph, replaying: known, images: try seen(), learning: images.learning)
    announce(outcome.plan)
    try save(outcome.plan, to: pruning.planOut)
    var prediction = outcome.predicted.flatMap { predicted in
      var prediction = Prediction.onNoise(source.graph, engine: engine)
      prediction?.claims = [.init(what: "zeroing weights", expected: predicted)]
      return prediction
    }
    let named = try calibration?.named ?? named()
    let log = try recover(&outcome.graph, &prediction, source, &images, named, engine)
    let distance =
      try log == nil ? distance(of: outcome, from: source, by: method, images) : nil
    var delivery = Delivery(
      graph: outcome.graph, record: PruningRecord(outcome.plan, source: source),
      title: "pruned to \(Format.percent(outcome.plan.sparsity)) sparsity",
      notes: [PruneResult.speedNote] + [log?.sentence].compactMap { $0 }, seed: outcome.plan.seed,
      log: outcome.trainer.map { TrainingLog($0, title: "Training while pruning") },
      sparseInitializers: sparseInitializers)
    delivery.prediction = prediction
    try delivery.send(
      source, to: target,
      setting(
        images, seed: outcome.plan.seed, calibration: calibration?.named,
        seen: calibration?.dataset ?? self.calibration(images, count: 1, drawn: nil).dataset))
    var result = PruneResult(input: source.path, plan: outcome.plan)
    result.epochs = outcome.trainer.map { $0.progress.history.count }
    (result.reconstruction, result.distance, result.recovery) = (outcome.layers, distance, log)
    // A format that cannot hold the network has no size; the file is written all the same.
    result.storage = try? WeightStorage(outcome.graph)
    try end(
      result, delivery, target: target, distance: distance,
      remedies: remedies(method: outcome.plan.method, isTrained: outcome.trainer != nil))
  }

  /// What may help against damage that a method did.
  private func remedies(method: String, isTrained: Bool) -> [String] {
    var remedies: [String] = []
    if method != "obs" && method != "lasso" {
      remedies.append("--method obs with images (--calib)")
    }
    if !recovery.isSet && !isTrained {
      remedies += ["--recover (training without labels)", "--epochs (with labels)"]
    }
    if recovery.isSet { remedies.append("a longer --recover-minutes or more images for it") }
    return remedies + ["a smaller cut"]
  }

  /// How far the answers of a network are that was neither refitted nor trained; `nil` for others.
  private func distance(
    of outcome: WeightPruning.Outcome, from source: ModelArtifact, by method: WeightPruning,
    _ images: DatasetSplit
  ) throws -> Double? {
    guard outcome.layers == nil, outcome.trainer == nil, outcome.plan.zeros > 0,
      (try? source.graph.onlyImageInput(method.engine.inputShapes)) != nil
    else { return nil }
    let drawn = CalibrationChoice.drawn(
      WeightPruning.distanceImages, seed: pruning.seed ?? 0)
    let seen = try calibration(images, count: WeightPruning.distanceImages, drawn: drawn).images(
      for: source.graph, head: head, engine: method.engine)
    return try method.distance(of: outcome.graph, from: source.graph, images: seen)
  }

  /// What the options ask for; by magnitude where a network without images leaves no choice.
  private func request(for source: ModelArtifact, _ engine: Engine) throws -> PruningRequest {
    var pruning = pruning
    if pruning.method == nil, pruning.looksAtImages,
      (try? source.graph.onlyImageInput(engine.inputShapes)) == nil
    {
      common.logger.notice("the network takes no image: its smallest weights become zero")
      pruning.method = WeightCriterion.magnitude.name
    }
    return try pruning.request()
  }

  /// The images to look at where none are given.
  private func drawn() -> Dataset {
    let images = CalibrationChoice.drawn(seed: pruning.seed ?? 0)
    common.logger.warning(
      "no images are given: the network is looked at with \(images.images.count) drawn ones; a hundred real ones without labels (--calib) keep more of it"
    )
    return images
  }

  /// Says which layers are kept, and why.
  private func announce(_ plan: PruningPlan) {
    var kept: [PrunableWeights.KeepReason: [String]] = [:]
    for layer in plan.layers {
      if let reason = layer.keptBecause { kept[reason, default: []].append(layer.weight) }
    }
    for (reason, names) in kept.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let listed = names.prefix(4).map { "'\($0)'" }.joined(separator: ", ")
      let more = names.count > 4 ? " and \(names.count - 4) more" : ""
      common.logger.notice("kept whole (\(reason.rawValue)): \(listed)\(more)")
    }
    if kept[.notFloat] != nil {
      common.logger.warning(
        "integer weights that no DequantizeLinear follows cannot be pruned; prune the float model before it is quantised"
      )
    }
  }
}
