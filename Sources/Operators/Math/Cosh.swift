import Foundation
import GraphIR

/// The hyperbolic cosine of a number.
struct Cosh: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Cosh"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(cosh(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · sinh x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation.product(dy, derivation("Sinh", derivation.input(0)))]
  }
}
