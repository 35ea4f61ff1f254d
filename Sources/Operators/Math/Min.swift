import GraphIR

/// The smallest of one or more numbers; NaN when one of them is.
struct Min: ArithmeticOperator {
  static let opType = "Min"
  static let inputCounts = 1...Int.max

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { min(a, b) }
  func real<Number: WideReal>(_ a: Number, _ b: Number) -> Number { a < b || a.isNaN ? a : b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    a.replacing(with: b, where: (b .< a) .| (b .!= b))
  }
}
