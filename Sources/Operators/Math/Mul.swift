import GraphIR

/// The product of two numbers.
struct Mul: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Mul"

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a &* b }
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a * b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a * b }

  /// Carries the gradient back: `∂a = ∂y · b`, `∂b = ∂y · a`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return try [0, 1].map { index in
      guard derivation.wants(index) else { return nil }
      let product = derivation.product(dy, derivation.input(1 - index))
      return try derivation.folded(product, toInput: index)
    }
  }
}

extension Mul: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .combination }

  var integerForm: IntegerForm? { IntegerForm("QLinearMul", [.input(0), .input(1), .output]) }
}

extension Mul: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { ChannelVector.places(inputs) }
}
