import GraphIR
import Tensors

/// The input with its axes in another order: axis *i* of the output is axis `perm[i]` of the input.
struct Transpose: StridedCopyOperator, DifferentiableOperator {
  static let opType = "Transpose"

  /// The order of the axes; `nil` reverses it.
  let permutation: [Int]?

  init(attributes: Attributes, opset: Int) throws {
    permutation = try attributes.ints("perm")
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    return [TensorType(x.elementType, try order(x).map { x.shape[$0] })]
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    let strides = x.shape.contiguousStrides
    return StridedCopy(
      output.shape, from: try order(x).map { strides[$0] }, to: output.shape.contiguousStrides,
      elementBytes: x.elementBytes)
  }

  private func order(_ x: Operand) throws -> [Int] {
    let rank = x.shape.count
    guard let permutation else { return (0..<rank).reversed() }
    guard permutation.sorted() == Array(0..<rank) else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "has axes that perm \(permutation) does not reorder")
    }
    return permutation
  }

  /// Carries the gradient back: `∂x` is `∂y` with its axes put back.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let order = try order(Operand(type: try derivation.type(0)))
    let back = order.indices.map { axis in order.firstIndex(of: axis) ?? axis }
    return [derivation.transposed(derivation.gradient(), back)]
  }
}

extension Transpose: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
