import Foundation
import GraphIR

/// The sine of an angle in radians.
struct Sin: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Sin"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(sin(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · cos x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation.product(dy, derivation("Cos", derivation.input(0)))]
  }
}
