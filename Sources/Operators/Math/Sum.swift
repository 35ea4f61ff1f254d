import GraphIR
import Tensors

/// The sum of one or more numbers.
struct Sum: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Sum"
  static let inputCounts = 1...Int.max
  static let elementTypes = ElementType.floatingPoint

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a + b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a + b }

  /// Carries the gradient back: `∂xᵢ = ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return try derivation.node.inputs.indices.map { try derivation.folded(dy, toInput: $0) }
  }
}
