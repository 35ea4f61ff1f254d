import GraphIR
import Tensors

/// −1, 0 or 1 as a number is negative, zero or positive; NaN stays.
struct Sign: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Sign"
  static let elementTypes = ElementType.numbers

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x > 0 ? 1 : (x < 0 ? -1 : x) }
  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { x.signum() }

  /// Zero wherever it exists.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [nil]
  }
}
