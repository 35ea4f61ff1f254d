import ArgumentParser
import Compression
import Evidence
import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Quantize
import Reports
import Tensors
import Training

/// `compress quantize`: computes on 8-bit integers.
struct QuantizeCommand: CompressionCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Compute on 8-bit integers, and compare before and after.")

  @Argument(
    help: "The model file, ONNX or HDF5. (default: the embedded detector)", completion: .file())
  var model: String?

  @OptionGroup(title: "Quantising") var options: QuantizeOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write; .h5 and .hdf5 make HDF5. (default: MODEL-int8.onnx in the current folder)",
      valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Print the plan; write no model.")
  var dryRun = false

  @OptionGroup(title: "Training") var tuning: TuningOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Recovery") var recovery: RecoveryOptions
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    try checkEnds(isEmbedded: model == nil)
    try recovery.check(
      epochs: epochs, training: training, isDry: dryRun,
      hasImages: model == nil || data.data != nil || tuning.trainData != nil
        || options.calib != nil)
    if recovery.isSet && options.weightGrid == .log2 {
      throw ValidationError(
        "--recover trains weights on the uniform grid; leave out --weight-grid log2.")
    }
    if model != nil && options.calib == nil && options.plan == nil && !options.dataFree {
      throw ValidationError(
        "Ranges of activations are found by looking at images: give a folder of some with --calib, a --plan, or --data-free for none."
      )
    }
    if epochs > 0 && model != nil && data.data == nil && tuning.trainData == nil {
      throw ValidationError("Training needs images: give --data or --train-data.")
    }
    if epochs > 0 && (dryRun || options.weightGrid == .log2) {
      throw ValidationError(
        "--finetune trains weights on the uniform grid and writes a model; leave out --dry-run and --weight-grid log2."
      )
    }
    if options.isAutomatic && data.data == nil && model != nil {
      throw ValidationError("--bits auto measures mAP: give labelled images with --data.")
    }
  }

  /// Epochs of quantisation-aware training.
  private var epochs: Int { options.finetune ?? training.epochs ?? 0 }

  func run() throws {
    let source = try ModelArtifact(model, inputs: head.inputs.values())
    try source.naming(plan: options.plan) { try run(source) }
  }

  private func run(_ source: ModelArtifact) throws {
    let target = target(source, "int8")
    try checkFiles(
      source, target: target, models: [("the model", model)],
      others: [options.plan, options.calib, tuning.trainData, recovery.path],
      writes: [("--plan-out", options.planOut), ("--calib-state", options.calibState)])
    try source.checkWeights()
    let known = try options.plan.map { try PlanFile.decode(QuantizationPlan.self, from: $0) }
    var sets = try DatasetSplit(
      data: data, trainData: tuning.trainData, isEmbedded: source.isEmbedded,
      trains: epochs > 0 || recovery.learns(besides: options.calib),
      seed: options.seed, learnsLabels: epochs > 0 && tuning.loss == .labels, common: common)
    let engine = try head.engine(common)
    let method = Quantization(
      try options.configuration(
        model: source.sha256, drop: floor.maxDrop,
        trains: epochs > 0 || recovery.isSet),
      head: try head.settings(), engine: engine)
    var calibration: CalibrationChoice?
    func seen() throws -> CalibrationImages {
      let scenes =
        source.isEmbedded
        ? EmbeddedData.training(
          options.calibCount ?? 128, pool: ThreadPool(threads: common.threadCount)) : nil
      let choice = try options.calibration(scenes, common)
      calibration = choice
      return try choice.images(for: source.graph, head: head, engine: engine)
    }
    var outcome = try method.run(
      on: source.graph, replaying: known, images: try seen(), scoring: sets.scoring)
    try save(outcome.plan, to: options.planOut)
    var result = result(source, outcome)
    try warn(of: calibration, sets.scoring, &result)
    if dryRun { return try common.show(result) }
    var trainer: Trainer?
    if epochs > 0 {
      let rate = outcome.plan.scheme.weightBits < 8 ? 0.001 : 0.0002
      trainer = try method.train(
        &outcome, towards: source.graph, on: sets.learning,
        settings: tuning.settings(
          training, epochs: epochs, seed: options.seed, learningRate: rate))
      result.epochs = epochs
    }
    if recovery.isSet {
      let calibrated = try options.calib.map {
        try DataSource(path: $0, looksAtImages: false).load(common)
      }
      sets.learning = try recovery.images(calibrated, sets.learning, data, common)
      guard let images = sets.learning else { throw TrainingError.noImages }
      result.recovery = try method.recover(
        &outcome, towards: source.graph, on: images,
        configuration: recovery.configuration(training, tuning, seed: options.seed))
    }
    var prediction = try outcome.calibration.map { try Prediction($0, engine: engine) }
    if prediction == nil { prediction = Prediction.onNoise(source.graph, engine: engine) }
    prediction?.claims = outcome.claims
    if options.form == .qoperator {
      outcome.graph = OperatorForm(outcome.graph, registry: engine.registry).graph
    }
    var delivery = Delivery(
      graph: outcome.graph,
      record: QuantizeRecord(outcome.plan, images: outcome.images, source: source),
      title: "quantised to \(outcome.plan.scheme.weightBits) bits", notes: result.remarks,
      seed: options.seed,
      log: trainer.map { TrainingLog($0, title: "Training while rounding") })
    delivery.notes += [result.recovery?.sentence].compactMap { $0 }
    delivery.form = { source.storable($0, keepsHalves: false) }
    delivery.prediction = prediction
    try delivery.send(
      source, to: target, setting(sets, seed: options.seed, seen: calibration?.dataset))
    if let folder = comparison.report {
      try QuantizationReport(outcome.damages ?? []).write(to: folder)
    }
    result.saturating = ProductPairs.saturating(
      in: try ModelArtifact(target, inputs: head.inputs.values()).graph, registry: engine.registry)
    result.target = options.plan == nil ? (options.target ?? .any).rawValue : nil
    if options.simulateSaturation {
      result.saturatedAP = try saturated(target, sets.scoring, engine)
    }
    var bound = floor
    bound.maxDrop = floor.maxDrop.map {
      AccuracyDrop($0, options.dropType ?? .absolute).points(
        of: delivery.before?.accuracy?["AP"] ?? 0)
    }
    try end(result, delivery, target: target, floor: bound, remedies: remedies(outcome.plan))
  }

  /// What may help against damage.
  private func remedies(_ plan: QuantizationPlan) -> [String] {
    var remedies: [String] = []
    if options.dataFree { remedies.append("real images (--calib)") }
    if min(plan.scheme.weightBits, plan.scheme.activationBits) < 8 {
      remedies += ["more --bits", "--rounding adaptive"]
    }
    remedies.append("--max-drop with --data, or a smaller --max-damage, which keep layers float")
    if !recovery.isSet && epochs == 0 { remedies.append("--recover (training without labels)") }
    return remedies
  }

  /// Warns of images that are calibrated with and scored on.
  private func warn(
    of calibration: CalibrationChoice?, _ scoring: Dataset?, _ result: inout QuantizeResult
  ) throws {
    guard let scoring, let named = calibration?.named else { return }
    let shared = try ImageOverlap(scoring).count(
      named.images.prefix(options.calibCount ?? 128).map(\.source))
    guard shared > 0 else { return }
    common.logger.warning(
      "\(shared) of the images to calibrate with are also scored on: the score flatters the model"
    )
    result.remarks.append("\(shared) of the images to calibrate with are also scored on.")
  }

  /// The mAP of the written model where sums of products saturate; `nil` without labelled images.
  private func saturated(
    _ target: String, _ scoring: Dataset?, _ engine: Engine
  ) throws -> Double? {
    guard let scoring else { return nil }
    var engine = engine
    engine.rewrites.append(SimulateSaturation())
    let accuracy = try Accuracy(
      ModelArtifact(target, inputs: head.inputs.values()), dataset: scoring,
      settings: head.settings(), skipsBad: data.skipBad, engine: engine)
    return accuracy.evaluation.summary.values.first
  }

  private func result(_ source: ModelArtifact, _ outcome: Quantization.Outcome) -> QuantizeResult {
    let layers = source.graph.nodes.filter {
      OperatorRegistry.standard.quantizationRole(of: $0) == .layer
    }
    let kept = outcome.plan.kept.count { ["Conv", "Gemm", "MatMul"].contains($0.opType) }
    return QuantizeResult(
      input: source.path, plan: outcome.plan, layers: outcome.layers,
      allLayers: max(layers.count, outcome.layers + kept), images: outcome.images,
      isDataFree: options.dataFree ? true : nil,
      calibrationSeconds: outcome.seconds,
      sensitivity: options.sensitivity || floor.maxDrop != nil ? outcome.damages : nil,
      trials: outcome.trials,
      roundings: outcome.roundings, remarks: outcome.remarks)
  }
}
