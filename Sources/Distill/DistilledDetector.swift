import Execution
import GraphIR
import ObjectDetection
import Training

/// A detector in a distillation: its network, head and input.
public struct DistilledDetector {
  /// The network.
  public let graph: Graph
  /// The settings of its head.
  public let configuration: HeadConfiguration
  /// Rows and columns of the input.
  public let imageSize: (height: Int, width: Int)
  /// The raw maps of the head; `nil` when they are not found, for the reason given.
  public let head: RawHead?
  /// Why they are not found; empty when they are.
  public let headReason: String
  /// The given settings of the head; the rest was recognised.
  let settings: HeadSettings

  /// Recognises a detector.
  ///
  /// - Throws: `HeadError` when nothing is recognised.
  public init(_ graph: Graph, head settings: HeadSettings, engine: Engine) throws {
    let reading = try DetectorReading(graph, settings: settings, engine: engine)
    configuration = reading.configuration
    imageSize = (reading.input.height, reading.input.width)
    (self.graph, self.settings) = (graph, settings)
    do {
      head = try RawHead.find(
        in: graph, configuration: configuration, height: imageSize.height, width: imageSize.width,
        registry: engine.registry, inputShapes: engine.inputShapes)
      headReason = ""
    } catch let error as RawHeadError {
      (head, headReason) = (nil, "\(error)")
    }
  }

  /// The shapes of the raw maps for one image.
  public func mapShapes(engine: Engine) throws -> [[Int]] {
    guard let head else { return [] }
    return try ReferenceNetwork(
      graph, values: head.taps, batchSize: 1, imageSize: imageSize, engine: engine
    ).shapes
  }
}
