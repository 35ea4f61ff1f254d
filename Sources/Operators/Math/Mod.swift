import GraphIR
import Tensors

/// The remainder of a division: with the divisor's sign, or with the dividend's when `fmod` is set.
///
/// Real numbers need `fmod`; a whole divisor of 0 is an error.
struct Mod: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Mod"
  static let refusesZeroDivisor = true

  let hasDividendSign: Bool

  init(attributes: Attributes, opset: Int) throws {
    hasDividendSign = try attributes.flag("fmod", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let types = try inferArithmeticTypes(inputs)
    guard hasDividendSign || types[0].elementType.isInteger else {
      throw AttributeError.invalid(name: "fmod", reason: "must be 1 for \(types[0].elementType)")
    }
    return types
  }

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number {
    let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
    return hasDividendSign || rest == 0 || (rest < 0) == (b < 0) ? rest : rest &+ b
  }

  func real<Number: WideReal>(_ a: Number, _ b: Number) -> Number {
    a.truncatingRemainder(dividingBy: b)
  }

  /// Carries the gradient back: `∂a = ∂y`, `∂b = −∂y · trunc(a / b)`, the number being `(a − y) / b`.
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
