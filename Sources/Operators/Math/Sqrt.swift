import GraphIR

/// The square root of a number; NaN below zero.
struct Sqrt: UnaryMathOperator {
  static let opType = "Sqrt"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { x.squareRoot() }
}
