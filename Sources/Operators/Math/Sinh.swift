import Foundation
import GraphIR

/// The hyperbolic sine of a number.
struct Sinh: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Sinh"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(sinh(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · cosh x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation.product(dy, derivation("Cosh", derivation.input(0)))]
  }
}
