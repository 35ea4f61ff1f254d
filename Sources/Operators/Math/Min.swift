import GraphIR

/// The smallest of one or more numbers; NaN when one of them is.
struct Min: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Min"
  static let inputCounts = 1...Int.max

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { min(a, b) }
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a < b || a.isNaN ? a : b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    a.replacing(with: b, where: (b .< a) .| (b .!= b))
  }

  /// The gradient goes to every input that is the smallest.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return try derivation.node.inputs.indices.map { index in
      guard derivation.wants(index) else { return nil }
      let isChosen = derivation("Equal", derivation.input(index), derivation.output(0))
      let part = derivation("Where", isChosen, dy, derivation.constant(0))
      return try derivation.folded(part, toInput: index)
    }
  }
}
