import Foundation
import GraphIR

/// *e* to the power of a number.
struct Exp: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Exp"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(exp(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation.product(dy, derivation.output(0))]
  }
}
