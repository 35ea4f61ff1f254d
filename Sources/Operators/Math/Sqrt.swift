import GraphIR

/// The square root of a number; NaN below zero.
struct Sqrt: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Sqrt"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x.squareRoot() }

  /// Carries the gradient back: `∂x = ∂y / (2 y)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let half = derivation("Div", dy, derivation.output(0))
    return [derivation.scaled(half, by: 0.5)]
  }
}
