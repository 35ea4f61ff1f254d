import GraphIR

/// `x / (1 + |x|)`.
struct Softsign: ActivationOperator {
  static let opType = "Softsign"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { x / (1 + abs(x)) }

  /// The derivative: `1 / (1 + |x|)²`.
  func slope(_ x: Double) -> Double { 1 / ((1 + abs(x)) * (1 + abs(x))) }
}
