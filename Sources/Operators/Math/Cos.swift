import Foundation
import GraphIR

/// The cosine of an angle in radians.
struct Cos: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Cos"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(cos(x.double)) }

  /// Carries the gradient back: `∂x = −∂y · sin x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let sine = derivation("Sin", derivation.input(0))
    return [derivation("Neg", derivation.product(dy, sine))]
  }
}
