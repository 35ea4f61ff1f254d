import GraphIR

/// The smallest integer not below a number.
struct Ceil: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Ceil"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x.rounded(.up) }

  /// Zero wherever it exists.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [nil]
  }
}
