import GraphIR

/// One divided by a number.
struct Reciprocal: UnaryMathOperator {
  static let opType = "Reciprocal"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { 1 / x }
}
