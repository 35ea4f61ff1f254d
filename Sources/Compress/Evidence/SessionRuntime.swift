import Execution
import Formats
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// A prepared session as the network of a detector.
final class SessionRuntime: DetectorRuntime {
  let session: Session
  let inputShape: [Int]
  let input: UnsafeMutablePointer<Float>

  /// A runtime of a network whose only image input is float32 `[1, 3, H, W]`.
  init(
    _ graph: Graph, threads: Int, inputShapes: [String: [Int]] = [:],
    passes: [any GraphPass] = StandardRewrites.inference
  ) throws {
    session = try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: threads, inputShapes: inputShapes, passes: passes))
    guard session.inputs.count == 1, let (name, type) = session.inputs.first,
      type.elementType == .float32, type.shape.count == 4, type.shape[0] == 1,
      type.shape[1] == 3, !type.shape.contains(0), let view = session.input(name)
    else {
      let inputs = session.inputs.map { "'\($0.name)' \($0.type)" }.joined(separator: ", ")
      throw CommandError(
        .badData,
        "the model takes \(inputs), which is no image; a detector takes one float32 [1,3,H,W]")
    }
    inputShape = type.shape
    input = view.base.assumingMemoryBound(to: Float.self)
  }

  var outputNames: [String] { session.outputNames }

  func run() throws -> [String: Tensor] {
    try session.run()
    return session.outputNames.reduce(into: [:]) { $0[$1] = session.output($1) }
  }
}
