import GraphIR

/// One divided by a number.
struct Reciprocal: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Reciprocal"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { 1 / x }

  /// Carries the gradient back: `∂x = −∂y · y²`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.output(0), derivation.output(0))
    return [derivation("Neg", derivation.product(dy, square))]
  }
}
