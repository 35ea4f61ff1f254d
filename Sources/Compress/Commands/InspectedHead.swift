import Execution
import GraphIR
import ObjectDetection
import Operators
import Training

/// The detection head of a model, as `compress inspect` shows it.
struct InspectedHead: Encodable {
  /// The family.
  var family: String
  /// How many classes it tells apart.
  var classes: Int
  /// Why it was taken for that.
  var reasons: [String]
  /// The name of the loss that it is trained by; absent without one.
  var loss: String?
  /// What stands only in the decoding: anchors by stride, in pixels.
  var anchors: [[[Double]]]?

  /// The head of a network; `nil` where none is recognised.
  init?(_ graph: Graph, engine: Engine) {
    guard let reading = try? DetectorReading(graph, engine: engine) else { return nil }
    let configuration = reading.configuration
    family = configuration.family
    classes = configuration.classes.count
    reasons = reading.reasons
    let found = try? RawHead.find(
      in: graph, configuration: configuration, height: reading.input.height,
      width: reading.input.width, registry: engine.registry, inputShapes: engine.inputShapes)
    guard let found else { return }
    loss = HeadFamily.named(family)?.training?.loss
    anchors = found.configuration.anchors.isEmpty ? nil : found.configuration.anchors
  }

  /// One line.
  var text: String {
    "\(family), \(classes) \(classes == 1 ? "class" : "classes")"
      + (loss.map { ", trained by the loss \($0)" } ?? ", no loss") + ": "
      + reasons.joined(separator: "; ")
  }
}
