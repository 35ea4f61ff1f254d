import GraphIR

/// The largest integer not above a number.
struct Floor: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Floor"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { x.rounded(.down) }

  /// Zero wherever it exists.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [nil]
  }
}
