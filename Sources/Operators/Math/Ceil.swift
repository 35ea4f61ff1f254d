import GraphIR

/// The smallest whole number not below a number.
struct Ceil: UnaryMathOperator {
  static let opType = "Ceil"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { x.rounded(.up) }
}
