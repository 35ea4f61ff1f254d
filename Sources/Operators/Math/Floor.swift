import GraphIR

/// The largest whole number not above a number.
struct Floor: UnaryMathOperator {
  static let opType = "Floor"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { x.rounded(.down) }
}
