import GraphIR
import Tensors

/// The magnitude of a number.
struct Abs: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Abs"
  static let elementTypes = ElementType.numbers

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x.magnitude }
  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { x < 0 ? 0 &- x : x }

  /// Carries the gradient back: `∂x = ∂y · sign(x)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation.product(dy, derivation("Sign", derivation.input(0)))]
  }
}
