import ArgumentParser
import Formats
import Foundation
import GraphIR
import Layers
import ObjectDetection
import Operators
import Prune
import Reports
import Training

/// `compress prune`: sets the least important weights to zero, or removes the least important channels.
struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract:
      "Set the least important weights to zero, or remove channels, and compare before and after.",
    discussion: """
      Ranks the weights of convolutions and matrix products, sets the least important to zero, writes the model, reads \
      the file back and checks it. First layers (they see the image) and detection outputs are kept whole unless \
      --include-ends is given. Sparsity is the fraction of the prunable weights that are zero.

      --method obs needs images (--calib), but no labels: it chooses the zeros of each layer and refits the other weights \
      by least squares, so that the layer answers as it did.

      With --epochs the pruned model is trained on, its zeros staying zero: pruned at once, or gradually (--schedule agp), or \
      in rounds. The images come from --train-data, else from the training split of --data, else a tenth of --data is held \
      out to score on. --loss match needs no labels to train. Methods that need data look at gradients while training; with \
      --epochs 0 they look at one pass over the images and train nothing.

      With --channels, or a method that is for channels, whole channels are removed with all that goes with them through \
      concatenations, splits, residual sums, shuffles and depthwise convolutions. The file shrinks and any runtime gets \
      faster. Each cut is proved: the network that is left must compute what the whole one computes with those channels \
      silenced (to \(ChannelProof.bound) of the output's range). Readers of removed channels then get these channels' mean, \
      and batch normalisations are measured anew (--no-compensation leaves both out). The cut goes as deep as --sparsity \
      (parameters), --channel-ratio, --target-macs or --target-latency says.

      Without a model the embedded detector is pruned, trained on for \(Self.embeddedEpochs) epochs and scored on the embedded scenes.

      Zeros shrink what gzip, HDF5 files (--output FILE.h5) and --sparse-initializers store. They bring no speed in \
      runtimes that compute densely, such as ONNX Runtime and this tool.

      With --data, the model is scored before and after; what is scored is the written file. With --report, a folder is \
      filled with report.md, report.json, report.csv, layers.csv, classes.csv and manifest.json; with channels also \
      channels.csv, reconstruction.csv and figures of scales and errors.

      EXAMPLES
        compress prune --sparsity 0.75
        compress prune model.onnx --sparsity 0.75
        compress prune model.onnx --sparsity 0.9 --schedule agp --epochs 20 --data data.yaml
        compress prune model.onnx --data coco/ --report report/ --max-drop 0.02
        compress prune model.onnx --method obs --sparsity 0.5 --calib images/
        compress prune model.onnx --pattern 2:4 --exclude '*head*' --output slim.onnx
        compress prune model.onnx --sparsity 0.9 --dry-run --plan-out plan.json
        compress prune model.onnx --plan plan.json --output model.h5
        compress prune model.onnx --method l1 --sparsity 0.5 --calib images/
        compress prune model.onnx --method fpgm --target-macs 0.5 --round-to 8 --calib images/
        compress prune model.onnx --method apoz --target-macs 300M --calib images/
        compress prune model.onnx --method mean-activation --channel-ratio 0.3 --calib images/
        compress prune model.onnx --method bn-gamma --sparsity-train 10 --lambda 0.0005 --data data.yaml --epochs 20
        compress prune model.onnx --channels --method taylor --target-latency 12 --data coco/
        compress prune model.onnx --method lasso --target-macs 0.5 --calib images/
      """)

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
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  /// Epochs that the embedded detector is trained on when nothing is said.
  static let embeddedEpochs = 4

  func validate() throws {
    if floor.isSet && data.data == nil && model != nil {
      throw ValidationError("--max-drop and --min-map need labelled images: give --data.")
    }
    if dryRun && (output != nil || comparison.report != nil) {
      throw ValidationError(
        "--dry-run writes no model and no report; leave out --output and --report.")
    }
    if pruning.plan != nil && training.epochs ?? 0 > 0 {
      throw ValidationError("--plan is applied without training; leave out --epochs.")
    }
    if channels.isSet && !pruning.removesChannels && pruning.plan == nil
      && !(pruning.looksAtImages && channels.namesImagesAlone)
    {
      throw ValidationError("--allocation, --target-macs and their like are for --channels.")
    }
    if pruning.sparsity != nil,
      channels.channelRatio != nil || channels.targetMacs != nil || channels.targetLatency != nil
    {
      throw ValidationError(
        "Give one of --sparsity, --channel-ratio, --target-macs and --target-latency.")
    }
    if pruning.looksAtImages && training.epochs ?? 0 > 0 {
      throw ValidationError(
        "--method obs prunes at once; leave out --epochs and train the result with compress distill."
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
      ?? (model == nil && pruning.plan == nil && !pruning.looksAtImages ? Self.embeddedEpochs : 0)
  }
  private var looksAtGradients: Bool {
    if pruning.removesChannels {
      return (try? pruning.channelCriterion().need) == .gradients
    }
    return (try? pruning.request().criterion.needsGradients) ?? false
  }
  private var trains: Bool { !dryRun && (epochs > 0 || looksAtGradients) }

  func run() throws {
    let source = try LoadedModel(model, inputs: head.inputs.values())
    try source.naming(plan: pruning.plan) { try run(source) }
  }

  private func checkFiles(_ source: LoadedModel, _ target: String) throws {
    var files = VerbFiles(
      models: [("the model", model)],
      others: [
        pruning.plan, channels.sensitivity, channels.calib, data.data, tuning.trainData, head.file,
      ])
    if !dryRun {
      files.write("--output", target)
      files.write("--output", source.externalFile(of: target))
    }
    files.write("--plan-out", pruning.planOut)
    try files.fill("--report", comparison.report)
    try files.check()
  }

  private func run(_ source: LoadedModel) throws {
    let target = output ?? defaultOutput(source)
    try checkFiles(source, target)
    try source.checkWeights(
      excluding: pruning.exclude.map { NamePattern($0) },
      hint: ", or leave its layer out with --exclude")
    let saved = try pruning.plan.map(PlanFile.load)
    var removesChannels = pruning.removesChannels
    if case .channels? = saved { removesChannels = true }
    var refits = pruning.looksAtImages
    if case .weights(let plan)? = saved { refits = try looksAtImages(plan) }
    let images = try VerbImages(
      data: data, trainData: tuning.trainData, isEmbedded: source.isEmbedded,
      trains: trains || (removesChannels || refits) && looksAtImages, seed: pruning.seed ?? 0,
      learnsLabels: trains && tuning.loss == .labels, common: common)
    if case .channels(let plan)? = saved {
      return try removeChannels(source, images, target, replaying: plan)
    }
    if pruning.removesChannels { return try removeChannels(source, images, target) }
    var plan: PruningPlan?
    if case .weights(let known)? = saved { plan = known }
    if dryRun {
      let plan = try plan ?? makePlan(source, images)
      announce(plan)
      try savePlan(plan)
      return try common.show(PruneResult(input: source.path, plan: plan))
    }
    let outcome = try trains ? train(source, images) : prune(source, plan, images)
    announce(outcome.plan)
    try savePlan(outcome.plan)
    var delivery = Delivery(
      graph: outcome.graph, record: PruningRecord(outcome.plan, source: source),
      title: "pruned to \(Format.percent(outcome.plan.sparsity)) sparsity",
      notes: [PruneResult.speedNote], seed: outcome.plan.seed, log: outcome.log,
      sparseInitializers: sparseInitializers)
    if let predicted = outcome.predicted {
      delivery.prediction = Prediction.onNoise(source.graph, head, common)
      delivery.prediction?.claims = [.init(what: "zeroing weights", expected: predicted)]
    }
    try delivery.send(source, to: target, setting(images))
    var result = PruneResult(input: source.path, plan: outcome.plan)
    (result.output, result.before, result.after) = (target, delivery.before, delivery.after)
    result.verification = delivery.verification
    result.epochs = outcome.log?.epochs.count
    result.reconstruction = outcome.reconstruction
    result.floorMisses = floor.misses(delivery)
    try common.show(result)
    try floor.end(result.floorMisses ?? [], target)
  }

  private func setting(_ images: VerbImages) -> Delivery.Setting {
    Delivery.Setting(
      head: head, data: data, comparison: comparison, common: common, scoring: images.scoring,
      learning: images.learning, calibration: channels.calib)
  }

  // MARK: Channels

  /// Whether channels are looked at through images that are given for training.
  private var looksAtImages: Bool {
    channels.calib == nil && (model == nil || data.data != nil || tuning.trainData != nil)
  }

  private func channelPruning(_ images: VerbImages) throws -> ChannelPruning {
    var request = ChannelRequest()
    let criterion = try pruning.channelCriterion()
    (request.method, request.seed) = (criterion.name, pruning.seed ?? 0)
    (request.multiple, request.leastKept) = (channels.roundTo ?? 1, channels.keepRatio ?? 0.1)
    request.allocation = channels.allocation.flatMap(ChannelAllocation.of) ?? .global
    let curves = try channels.sensitivity.map(PlanFile.loadSensitivity)
    // The curves find their layers once the channels are known.
    if curves != nil { request.allocation = .sensitivity([:]) }
    return ChannelPruning(
      criterion: criterion, request: request, sparsity: pruning.sparsity ?? 0.5,
      rounds: pruning.schedule == .iterative && epochs > 0 ? pruning.pruneRounds ?? 3 : 1,
      excluded: pruning.exclude.map { NamePattern($0) }, sensitivity: curves, options: channels,
      head: head,
      settings: tuning.settings(training, epochs: epochs, seed: pruning.seed ?? 0),
      learning: images.learning, common: common)
  }

  private func removeChannels(
    _ source: LoadedModel, _ images: VerbImages, _ target: String,
    replaying plan: ChannelPlan? = nil
  ) throws {
    let pruning = try channelPruning(images)
    if dryRun {
      let (chosen, isMet) = try pruning.plan(for: source.graph)
      try savePlan(chosen)
      return try common.show(
        ChannelPruneResult(input: source.path, plan: chosen, isTargetMet: isMet))
    }
    let outcome =
      try plan.map { try pruning.apply($0, to: source.graph) } ?? pruning.run(on: source.graph)
    try savePlan(outcome.plan)
    for remark in outcome.remarks { common.logger.notice("\(remark)") }
    var delivery = Delivery(
      graph: outcome.graph,
      record: PruningRecord(outcome.plan, proof: outcome.proof, source: source),
      title: "without \(Format.percent(outcome.plan.channelRatio)) of its channels",
      notes: [ChannelPruneResult.proofNote(outcome.proof)], seed: outcome.plan.seed,
      log: outcome.trainer.map { TrainingLog($0, title: "Training after pruning") },
      sparseInitializers: sparseInitializers)
    delivery.prediction = outcome.prediction
    try delivery.send(source, to: target, setting(images))
    if let folder = comparison.report { try outcome.report.write(to: folder) }
    var result = ChannelPruneResult(
      input: source.path, plan: outcome.plan, isTargetMet: outcome.isTargetMet)
    (result.output, result.before, result.after) = (target, delivery.before, delivery.after)
    result.verification = delivery.verification
    (result.proof, result.remarks) = (outcome.proof, outcome.remarks)
    result.reconstruction = outcome.reconstruction.isEmpty ? nil : outcome.reconstruction
    result.epochs = outcome.trainer.map { _ in epochs }
    result.floorMisses = floor.misses(delivery)
    try common.show(result)
    try floor.end(result.floorMisses ?? [], target)
  }

  // MARK: Weights

  private struct Outcome {
    var graph: Graph
    var plan: PruningPlan
    var reconstruction: [SecondOrderPruning.Layer]?
    var log: TrainingLog?
    /// What the plan alone says; `nil` once the network was trained.
    var predicted: Graph?
  }

  private func prune(
    _ source: LoadedModel, _ known: PruningPlan?, _ images: VerbImages
  ) throws -> Outcome {
    if try looksAtImages(known) {
      let (plan, outcome) = try secondOrder(images).run(on: source.graph, known: known)
      return Outcome(graph: outcome.graph, plan: plan, reconstruction: outcome.layers)
    }
    let plan = try known ?? makePlan(source, images)
    return Outcome(
      graph: try plan.applied(to: source.graph, registry: .standard), plan: plan,
      predicted: try? plan.predicted(for: source.graph, registry: .standard))
  }

  /// Whether a plan, or what is asked for, refits layers on images.
  private func looksAtImages(_ plan: PruningPlan?) throws -> Bool {
    try plan.map { WeightCriterion.named($0.method)?.needsImages ?? false }
      ?? pruning.request().criterion.needsImages
  }

  private func secondOrder(_ images: VerbImages) throws -> SecondOrderRun {
    SecondOrderRun(
      request: try pruning.request(), options: channels, head: head, learning: images.learning,
      common: common)
  }

  private func savePlan(_ plan: some Encodable) throws {
    guard let file = pruning.planOut else { return }
    try AtomicOutput.write(PlanFile.encode(plan), to: file)
    common.logger.notice("plan saved to \(file)")
  }

  /// Trains with masks that grow, and returns the model with its averaged weights.
  private func train(_ source: LoadedModel, _ images: VerbImages) throws -> Outcome {
    guard let learning = images.learning else { throw TrainingError.noImages }
    var settings = tuning.settings(training, epochs: epochs, seed: pruning.seed ?? 0)
    if epochs == 0 { settings.training.standStill() }
    let detector = try DetectorTraining(
      source.graph, head: head, training: learning, validation: nil, settings: settings,
      common: common)
    let request = try pruning.request()
    let steps = detector.steps
    let masks = try GradualPruning(
      request, schedule: try pruning.sparsitySchedule(),
      frequency: epochs == 0 ? steps : pruning.pruneEvery ?? max(1, steps / 50),
      graph: detector.graph, registry: .standard)
    let trainer = try detector.trainer(hooks: [masks])
    let end = try TrainingRun.watch(trainer, detector, common: common)
    if let failure = masks.failure { throw failure }
    if case .diverged(let epoch, let step) = end {
      throw CommandError(
        .badData,
        "the loss is no longer finite (epoch \(epoch), step \(step)); nothing is written: take a lower --lr"
      )
    }
    let graph = trainer.current
    return Outcome(
      graph: graph, plan: try masks.plan(for: graph),
      log: epochs == 0 ? nil : TrainingLog(trainer, title: "Training while pruning"))
  }

  private func makePlan(_ source: LoadedModel, _ images: VerbImages) throws -> PruningPlan {
    if try looksAtImages(nil) { return try secondOrder(images).plan(for: source.graph) }
    return try pruning.request().plan(for: source.graph, registry: .standard)
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

  private func defaultOutput(_ source: LoadedModel) -> String {
    let ending = ModelFormat.ending(like: source.url)
    return source.url.deletingPathExtension().lastPathComponent + "-pruned." + ending
  }
}
