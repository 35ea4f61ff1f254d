import ArgumentParser
import Foundation
import ObjectDetection
import Quantize
import Reports
import Tensors

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

      Without a model the embedded detector is quantised on embedded scenes.

      EXAMPLES
        compress quantize
        compress quantize model.onnx --calib images/
        compress quantize model.onnx --calib images/ --data coco/ --report report/ --max-drop 0.01
        compress quantize model.onnx --calib images/ --data coco/ --max-drop 0.02 --drop-type relative
        compress quantize model.onnx --calib images/ --sensitivity --dry-run
        compress quantize model.onnx --calib images/ --observer percentile=99.9
        compress quantize model.onnx --calib images/ --bits 6 --exclude '*head*'
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
    if model != nil && options.calib == nil && options.plan == nil {
      throw ValidationError(
        "Ranges of activations are found by looking at images: give a folder of some with --calib, or a --plan."
      )
    }
  }

  func run() throws {
    let source = try LoadedModel(model)
    let target = output ?? defaultOutput(source)
    guard
      source.isEmbedded || dryRun
        || URL(filePath: target).standardizedFileURL != source.url.standardizedFileURL
    else { throw CommandError(.usage, "\(target) is the model itself; give another --output") }
    let known = try options.plan.map { try PlanFile.decode(QuantizationPlan.self, from: $0) }
    let scoring = data.data != nil || source.isEmbedded ? try data.labelled(common) : nil
    let quantizing = Quantizing(
      options: options, head: head, common: common,
      learning: source.isEmbedded
        ? EmbeddedData.training(
          options.calibCount ?? 128, pool: ThreadPool(threads: common.threadCount)) : nil,
      scoring: scoring, maxDrop: floor.maxDrop)
    let outcome = try quantizing.run(on: source.graph, known: known)
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
    var delivery = Delivery(
      graph: outcome.graph,
      record: QuantizeRecord(
        source: source.sha256, scheme: outcome.plan.scheme, observer: outcome.plan.observer,
        images: outcome.images),
      title: "quantised to \(outcome.plan.scheme.weightBits) bits", notes: result.remarks, seed: 0)
    try delivery.send(
      source, to: target,
      .init(head: head, data: data, comparison: comparison, common: common, scoring: scoring))
    if let folder = comparison.report { try result.errors.write(to: folder) }
    (result.output, result.before, result.after) = (target, delivery.before, delivery.after)
    var bound = floor
    if options.dropType == "relative" {
      bound.maxDrop = floor.maxDrop.map { $0 * (delivery.before?.accuracy?["AP"] ?? 0) }
    }
    result.floorMisses = bound.misses(delivery)
    try common.show(result)
    try floor.end(result.floorMisses ?? [], target)
  }

  private func result(_ source: LoadedModel, _ outcome: Quantizing.Outcome) -> QuantizeResult {
    let quantized = Set(outcome.plan.nodes)
    let layers = source.graph.nodes.filter(QuantizationSites.isLayer)
    let kept = outcome.plan.kept.count { ["Conv", "Gemm", "MatMul"].contains($0.opType) }
    let counted = outcome.graph.nodes.count {
      QuantizationSites.isLayer($0)
        && (quantized.contains($0.outputs[0])
          || quantized.contains($0.outputs[0].replacing("_unrounded", with: "")))
    }
    return QuantizeResult(
      input: source.path, plan: outcome.plan, layers: counted,
      allLayers: max(layers.count, counted + kept), images: outcome.images,
      calibrationSeconds: outcome.seconds, sensitivity: outcome.damages)
  }

  private func defaultOutput(_ source: LoadedModel) -> String {
    let ending = source.isHDF5 ? source.url.pathExtension : "onnx"
    return source.url.deletingPathExtension().lastPathComponent + "-int8." + ending
  }
}
