import Foundation
import GraphIR

/// The number whose hyperbolic tangent is given.
struct Atanh: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Atanh"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(atanh(x.double)) }

  /// Carries the gradient back: `∂x = ∂y / (1 − x²)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    let rest = derivation("Sub", derivation.constant(1), square)
    return [derivation("Div", dy, rest)]
  }
}
