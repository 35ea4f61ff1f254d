import GraphIR

/// The difference of two numbers.
struct Sub: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Sub"

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a &- b }
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a - b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a - b }

  /// Carries the gradient back: `∂a = ∂y`, `∂b = −∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let minus = derivation.wants(1) ? derivation("Neg", dy) : dy
    return [try derivation.folded(dy, toInput: 0), try derivation.folded(minus, toInput: 1)]
  }
}
