import GraphIR

/// The quotient of two numbers; whole numbers lose the fraction, and a divisor of 0 is an error.
struct Div: ArithmeticOperator {
  static let opType = "Div"
  static let refusesZeroDivisor = true

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number {
    a.dividedReportingOverflow(by: b).partialValue
  }
  func real<Number: WideReal>(_ a: Number, _ b: Number) -> Number { a / b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a / b }
}
