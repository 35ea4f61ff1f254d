import GraphIR

/// The whole number nearest to a number, of two equally near ones the even.
struct Round: UnaryMathOperator {
  static let opType = "Round"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { x.rounded(.toNearestOrEven) }
}
