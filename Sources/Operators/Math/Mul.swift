import GraphIR

/// The product of two numbers.
struct Mul: ArithmeticOperator {
  static let opType = "Mul"

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a &* b }
  func real<Number: WideReal>(_ a: Number, _ b: Number) -> Number { a * b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a * b }
}
