import Foundation
import GraphIR

/// The Gauss error function `2/√π ∫₀ˣ exp(−t²) dt`.
struct Erf: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Erf"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(erf(x.double)) }

  /// Carries the gradient back: `∂x = ∂y · 2/√π · e^{−x²}`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    let bell = derivation("Exp", derivation("Neg", square))
    return [derivation.scaled(derivation.product(dy, bell), by: 2 / Float.pi.squareRoot())]
  }
}
