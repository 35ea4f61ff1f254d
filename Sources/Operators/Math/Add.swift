import GraphIR
import Tensors

/// The sum of two numbers.
struct Add: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Add"

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a &+ b }
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a + b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a + b }

  /// Carries the gradient back: `∂a = ∂y`, `∂b = ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [try derivation.folded(dy, toInput: 0), try derivation.folded(dy, toInput: 1)]
  }
}

extension Add: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .combination }

  var integerForm: IntegerForm? { IntegerForm("QLinearAdd", [.input(0), .input(1), .output]) }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .summed }
}

extension Add: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { ChannelVector.places(inputs) }
}
