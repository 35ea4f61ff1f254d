import Foundation
import GraphIR

/// The tangent of an angle in radians.
struct Tan: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Tan"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(tan(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · (1 + y²)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.output(0), derivation.output(0))
    return [derivation.product(dy, derivation("Add", square, derivation.constant(1)))]
  }
}
