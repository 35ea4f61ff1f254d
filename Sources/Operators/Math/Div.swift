import GraphIR

/// The quotient of two numbers; integers lose the fraction, and a divisor of 0 is an error.
struct Div: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Div"
  static let refusesZeroDivisor = true

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number {
    a.dividedReportingOverflow(by: b).partialValue
  }
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a / b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a / b }

  /// Carries the gradient back: `∂a = ∂y / b`, `∂b = −∂y · y / b`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let quotient = derivation("Div", dy, derivation.input(1))
    guard derivation.wants(1) else { return [try derivation.folded(quotient, toInput: 0), nil] }
    let product = derivation("Neg", derivation.product(quotient, derivation.output(0)))
    return [
      try derivation.folded(quotient, toInput: 0), try derivation.folded(product, toInput: 1),
    ]
  }
}
