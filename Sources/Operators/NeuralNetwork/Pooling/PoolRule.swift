import GraphIR
import Tensors

/// What `MaxPool` and `AveragePool` have in common.
struct PoolRule: Sendable {
  let window: SlidingWindow

  init(_ attributes: Attributes) throws {
    window = try SlidingWindow(attributes)
    guard window.kernel != nil else { throw AttributeError.missing(name: "kernel_shape") }
  }

  /// The window on an input `[N, C, (H,) W]`.
  func placed(on shape: [Int]) throws -> PlacedWindow {
    guard shape.count == 3 || shape.count == 4 else {
      throw OperatorError.shape(
        input: 0, found: shape,
        reason: "has \(shape.count - 2) spatial axes, only 1 or 2 are supported")
    }
    return try window.placed(on: Array(shape[2...]))
  }

  /// The output's type.
  func outputType(_ x: Operand) throws -> TensorType {
    let placed = try placed(on: x.shape)
    return try TensorType(checking: x.elementType, Array(x.shape[..<2]) + placed.outputs)
  }
}
