import GraphIR
import Tensors

/// The remainder of a division: with the divisor's sign, or with the dividend's when `fmod` is set.
///
/// `y = a − b ⌊a / b⌋`, or with `fmod` `y = a − b trunc(a / b)`; a rest of 0 has that sign, too. An
/// integer divisor of 0 is an error, a float one gives NaN.
struct Mod: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Mod"
  static let refusesZeroDivisor = true

  let hasDividendSign: Bool

  init(attributes: Attributes, opset: Int) throws {
    hasDividendSign = try attributes.flag("fmod", default: false)
  }

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number {
    let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
    return hasDividendSign || rest == 0 || (rest < 0) == (b < 0) ? rest : rest &+ b
  }

  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number {
    let rest = a.truncatingRemainder(dividingBy: b)
    if hasDividendSign || rest.isNaN { return rest }
    if rest == 0 { return Number(signOf: b, magnitudeOf: rest) }
    return (rest < 0) == (b < 0) ? rest : rest + b
  }

  /// Carries the gradient back: `∂a = ∂y`, `∂b = −∂y · ⌊a / b⌋` (or `trunc`), the number being
  /// `(a − y) / b`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    var results = [try derivation.folded(dy, toInput: 0), nil]
    if derivation.wants(1) {
      let whole = derivation("Sub", derivation.output(0), derivation.input(0))
      let slope = derivation("Div", whole, derivation.input(1))
      results[1] = try derivation.folded(derivation.product(dy, slope), toInput: 1)
    }
    return results
  }
}
