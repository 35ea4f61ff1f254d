import GraphIR
import Tensors

/// The number with the opposite sign.
struct Neg: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Neg"
  static let elementTypes = ElementType.numbers

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { -x }
  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { 0 &- x }

  /// Carries the gradient back: `∂x = −∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation("Neg", dy)]
  }
}
