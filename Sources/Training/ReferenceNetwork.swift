import Execution
import GraphIR
import ObjectDetection
import Tensors

/// A network that is not trained, run on the batches of another network's training: the original in
/// fine-tuning, or a teacher.
///
/// It computes with its stored statistics, fused and packed as in inference.
public final class ReferenceNetwork {
  /// The values that are read, in the given order.
  public let values: [String]
  /// Their shapes, `[N, …]`.
  public let shapes: [[Int]]
  private let session: Session
  private let input: UnsafeMutableBufferPointer<Float>

  /// Prepares a network for batches of one shape.
  ///
  /// - Parameter values: The values to read; other outputs are not computed.
  /// - Throws: ``TrainingError`` when it does not take one batch of images, `NodeError`.
  public init(
    _ network: Graph, values: [String], batchSize: Int, imageSize: (height: Int, width: Int),
    engine: Engine
  ) throws {
    var graph = network.withConstantsAsInitializers()
    graph.outputs = values.map { ValueInfo(name: $0, type: .undeclared) }
    graph.inputs.removeAll { graph.initializers[$0.name] != nil }
    graph.removeDeadNodes()
    graph = graph.takingPlanarImages().withBatchSize(batchSize, registry: engine.registry)
    guard graph.inputs.count == 1, let name = graph.inputs.first?.name else {
      throw TrainingError.noImageInput(found: graph.inputs.map(\.name))
    }
    var engine = engine
    engine.inputShapes = [name: [batchSize, 3, imageSize.height, imageSize.width]]
    let session = try engine.session(graph)
    guard let view = session.input(name) else {
      throw TrainingError.noImageInput(found: [name])
    }
    self.session = session
    self.values = values
    input = view.elements()
    shapes = try values.map {
      guard let view = session.outputView($0) else { throw TrainingError.unknownValue($0) }
      return view.shape
    }
  }

  /// Computes the values on a batch of images.
  ///
  /// - Parameter images: `[N, 3, H, W]`.
  /// - Returns: the memory of each value, valid until the next run.
  /// - Throws: what a node throws.
  public func run(_ images: [Float]) throws -> [UnsafePointer<Float>] {
    images.withUnsafeBufferPointer {
      if let from = $0.baseAddress { input.baseAddress?.update(from: from, count: $0.count) }
    }
    try session.run()
    return try values.map { value in
      guard let view = session.outputView(value) else { throw TrainingError.unknownValue(value) }
      return UnsafePointer(view.base.assumingMemoryBound(to: Float.self))
    }
  }
}
