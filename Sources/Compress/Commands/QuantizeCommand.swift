import ArgumentParser
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Quantize
import Reports
import Tensors
import Training

/// `compress quantize`: computes on 8-bit integers.
struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Compute on 8-bit integers, and compare before and after.",
    discussion: """
      Looks at images to find the range of each value of the network, then writes a model whose layers compute on 8-bit \
      integers: int8 weights by output channel, uint8 activations by tensor, int32 biases, in ONNX's QDQ form as ONNX \
      Runtime fuses it. The written file is what gets scored, in integer arithmetic.

      What comes after the last layers stays float: decoding of boxes, softmax over distances, sigmoids of scores. One \
      scale cannot hold boxes in pixels and scores between 0 and 1; detectors quantised through their heads collapse to \
      zero mAP. What stays float is printed with the reason; --exclude keeps more, --include quantises some of it.

      Calibration needs the memory of one image's activations, whatever the number of images, and gives the same result \
      with any number of threads. A warning is given when images to calibrate with are also scored on.

      Each layer is quantised alone to see what that does to the raw maps of the head; one that changes them by more than \
      --max-damage of their variance stays float. With --max-drop and --data the fewest further layers are given back to float \
      that keep mAP within the bound, the most harmful first. --sensitivity lists the harm.

      --data-free looks at no images: where batch normalisations say what their values are, ranges and corrections of biases come \
      from them, elsewhere ranges come from drawn images. --rounding adaptive learns for each weight whether to round up or down; \
      --finetune trains on while rounding, scales included, against labels or (--loss match) the float model; the file keeps its \
      structure. --bits auto takes the fewest bits that --margin allows.

      Without a model the embedded detector is quantised on embedded scenes.

      EXAMPLES
        compress quantize
        compress quantize model.onnx --calib images/
        compress quantize model.onnx --calib images/ --data coco/ --report report/ --max-drop 0.01
        compress quantize model.onnx --calib images/ --data coco/ --max-drop 0.02 --drop-type relative
        compress quantize model.onnx --calib images/ --sensitivity --dry-run
        compress quantize model.onnx --calib images/ --observer percentile=99.9
        compress quantize model.onnx --calib images/ --bits 6 --exclude '*head*'
        compress quantize model.onnx --calib images/ --bits 4 --rounding adaptive
        compress quantize model.onnx --calib images/ --data coco/ --bits auto --margin 0.02 --power-of-two
        compress quantize model.onnx --data-free
        compress quantize model.onnx --calib images/ --finetune 3 --train-data images/ --loss match
        compress quantize model.onnx --calib images/ --observer detection --calib-state seen.json
        compress quantize model.onnx --calib images/ --form qoperator
        compress quantize model.onnx --calib images/ --reduce-range
        compress quantize model.onnx --calib images/ --dry-run --plan-out plan.json
        compress quantize model.onnx --plan plan.json
      """)

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
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    if floor.isSet && data.data == nil && model != nil {
      throw ValidationError("--max-drop and --min-map need labelled images: give --data.")
    }
    if dryRun && (output != nil || comparison.report != nil) {
      throw ValidationError(
        "--dry-run writes no model and no report; leave out --output and --report.")
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

  /// Epochs of training while rounding.
  private var epochs: Int { options.finetune ?? training.epochs ?? 0 }

  func run() throws {
    let source = try LoadedModel(model, inputs: head.inputs.values())
    try source.naming(plan: options.plan) { try run(source) }
  }

  private func checkFiles(_ source: LoadedModel, _ target: String) throws {
    var files = VerbFiles(
      models: [("the model", model)],
      others: [options.plan, options.calib, data.data, tuning.trainData, head.file])
    if !dryRun {
      files.write("--output", target)
      files.write("--output", source.externalFile(of: target))
    }
    files.write("--plan-out", options.planOut)
    files.write("--calib-state", options.calibState)
    try files.fill("--report", comparison.report)
    try files.check()
  }

  private func run(_ source: LoadedModel) throws {
    let target = output ?? defaultOutput(source)
    try checkFiles(source, target)
    try source.checkWeights()
    let known = try options.plan.map { try PlanFile.decode(QuantizationPlan.self, from: $0) }
    let sets = try VerbImages(
      data: data, trainData: tuning.trainData, isEmbedded: source.isEmbedded, trains: epochs > 0,
      seed: options.seed, learnsLabels: epochs > 0 && tuning.loss == .labels, common: common)
    let scoring = sets.scoring
    let quantizing = Quantizing(
      options: options, head: head, common: common,
      learning: source.isEmbedded
        ? EmbeddedData.training(
          options.calibCount ?? 128, pool: ThreadPool(threads: common.threadCount)) : nil,
      scoring: scoring, maxDrop: floor.maxDrop, digest: source.sha256)
    var outcome = try quantizing.run(on: source.graph, known: known)
    if let file = options.planOut {
      try AtomicOutput.write(PlanFile.encode(outcome.plan), to: file)
      common.logger.notice("plan saved to \(file)")
    }
    var result = result(source, outcome)
    let shared = try quantizing.overlap(scoring)
    if shared > 0 {
      common.logger.warning(
        "\(shared) of the images to calibrate with are also scored on: the score flatters the model"
      )
      result.remarks.append("\(shared) of the images to calibrate with are also scored on.")
    }
    if dryRun { return try common.show(result) }
    let trainer = try tune(&outcome, source, sets.learning)
    result.epochs = trainer.map { _ in epochs }
    var prediction = try outcome.calibration.map {
      try Prediction($0, inputShapes: head.parsedShapes(), threads: common.threadCount)
    }
    if prediction == nil { prediction = Prediction.onNoise(source.graph, head, common) }
    prediction?.claims = outcome.claims
    if options.form == .qoperator { outcome.graph = OperatorForm(outcome.graph).graph }
    var delivery = Delivery(
      graph: outcome.graph,
      record: QuantizeRecord(
        source: source.sha256, scheme: outcome.plan.scheme, observer: outcome.plan.observer,
        images: outcome.images),
      title: "quantised to \(outcome.plan.scheme.weightBits) bits", notes: result.remarks,
      seed: options.seed,
      log: trainer.map { TrainingLog($0, title: "Training while rounding") })
    delivery.form = { source.storable($0, keepsHalves: false) }
    delivery.prediction = prediction
    try delivery.send(
      source, to: target,
      .init(
        head: head, data: data, comparison: comparison, common: common, scoring: scoring,
        learning: sets.learning))
    if let folder = comparison.report {
      try QuantizationReport(outcome.damages ?? []).write(to: folder)
    }
    (result.output, result.before, result.after) = (target, delivery.before, delivery.after)
    result.verification = delivery.verification
    if options.simulateSaturation { result.saturatedAP = try saturated(target, scoring) }
    var bound = floor
    if options.dropType == .relative {
      bound.maxDrop = floor.maxDrop.map { $0 * (delivery.before?.accuracy?["AP"] ?? 0) }
    }
    result.floorMisses = bound.misses(delivery)
    try common.show(result)
    try floor.end(result.floorMisses ?? [], target)
  }

  /// Trains a quantised network on, where that is asked for.
  private func tune(
    _ outcome: inout Quantizing.Outcome, _ source: LoadedModel, _ learning: Dataset?
  ) throws -> Trainer? {
    guard epochs > 0 else { return nil }
    let trainable = try TrainableQuantization(outcome.graph)
    let trainer = try DetectorTraining.tune(
      trainable.graph, towards: source.graph, on: learning,
      settings: tuning.settings(
        training, epochs: epochs, seed: options.seed,
        learningRate: outcome.plan.scheme.weightBits < 8 ? 0.001 : 0.0002),
      hooks: [
        KeptZeros(
          parameters: TrainableParameter.all(in: trainable.graph).filter {
            trainable.sparseWeights.contains($0.name)
          }), MovementUnits(trainable.movementUnits, for: trainable.graph),
      ], head: head, common: common)
    outcome.graph = try trainable.quantized(trainer.current)
    // What was learnt is not in the plan: the network that rounds in training says it.
    outcome.claims[outcome.claims.count - 1] = .init(
      what: "storing what was learnt", expected: trainer.current, float: source.graph)
    return trainer
  }

  /// The mAP of the written model where sums of products saturate; `nil` without labelled images.
  private func saturated(_ target: String, _ scoring: Dataset?) throws -> Double? {
    guard let scoring else { return nil }
    let accuracy = try Accuracy(
      LoadedModel(target, inputs: head.inputs.values()), dataset: scoring, head: head, data: data,
      common: common,
      passes: StandardRewrites.inference + [SimulateSaturation()])
    return accuracy.evaluation.summary.values.first
  }

  private func result(_ source: LoadedModel, _ outcome: Quantizing.Outcome) -> QuantizeResult {
    let layers = source.graph.nodes.filter(QuantizationSites.isLayer)
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

  private func defaultOutput(_ source: LoadedModel) -> String {
    let ending = ModelFormat.ending(like: source.url)
    return source.url.deletingPathExtension().lastPathComponent + "-int8." + ending
  }
}
