import GraphIR
import Tensors

/// The input itself.
struct Identity: ViewOperator, DifferentiableOperator {
  static let opType = "Identity"

  init(attributes: Attributes, opset: Int) {}

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(1...1)
    return x.shape
  }

  /// Carries the gradient back: `∂x = ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.gradient()]
  }
}

extension Identity: QuantizableOperator, AliasOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .layout }

  static var isExact: Bool { true }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
