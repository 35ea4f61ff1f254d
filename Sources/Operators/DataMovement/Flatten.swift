import GraphIR
import Tensors

/// The input as a matrix: the axes before `axis` become the rows, the others the columns.
struct Flatten: ViewOperator, DifferentiableOperator {
  static let opType = "Flatten"

  let axis: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 1)
  }

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(1...1)
    let rank = x.shape.count
    let first = axis == rank ? rank : try axis.axis(ofRank: rank)
    return [x.shape[..<first].product, x.shape[first...].product]
  }

  /// Carries the gradient back: `∂x` is `∂y` under the shape of x.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.reshaped(derivation.gradient(), to: try derivation.type(0).shape)]
  }
}

extension Flatten: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
