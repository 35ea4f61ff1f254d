import Foundation
import GraphIR

/// The number whose hyperbolic sine is given.
struct Asinh: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Asinh"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(asinh(x.double)) }

  /// Carries the gradient back: `∂x = ∂y / √(x² + 1)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    let sum = derivation("Add", square, derivation.constant(1))
    return [derivation("Div", dy, derivation("Sqrt", sum))]
  }
}
