import GraphIR

/// The integer nearest to a number, of two equally near ones the even.
struct Round: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Round"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x.rounded(.toNearestOrEven) }

  /// Zero wherever it exists.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [nil]
  }
}
