import GraphIR
import Tensors

/// What `MaxPool`, `AveragePool` and `LpPool` have in common.
struct PoolRule: Sendable {
  let window: SlidingWindow

  init(_ attributes: Attributes) throws {
    window = try SlidingWindow(attributes)
    guard window.kernel != nil else { throw AttributeError.missing(name: "kernel_shape") }
  }

  /// The window on an input `[N, C, …, W]`.
  func placed(on shape: [Int]) throws -> PlacedWindow {
    guard (3...8).contains(shape.count) else {
      throw OperatorError.shape(
        input: 0, found: shape, reason: "has \(shape.count) axes, expected 3 to 8")
    }
    return try window.placed(on: Array(shape[2...]))
  }

  /// The output's type.
  func outputType(_ x: Operand) throws -> TensorType {
    let placed = try placed(on: x.shape)
    return try TensorType(checking: x.elementType, Array(x.shape[..<2]) + placed.outputs)
  }
}
