import GraphIR
import Tensors

/// The mean of one or more numbers.
struct Mean: ArithmeticOperator, DifferentiableOperator {
  static let opType = "Mean"
  static let inputCounts = 1...Int.max
  static let elementTypes = ElementType.floatingPoint

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a + b }
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> { a + b }

  func finish(_ result: TensorView, count: Int, pool: ThreadPool) {
    ElementLoop.map(result, result, pool: pool) { $0 / Double(count) }
  }

  /// Carries the gradient back: `∂xᵢ = ∂y / n`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let share = derivation.scaled(
      derivation.gradient(), by: 1 / Float(derivation.node.inputs.count))
    return try derivation.node.inputs.indices.map { try derivation.folded(share, toInput: $0) }
  }
}
