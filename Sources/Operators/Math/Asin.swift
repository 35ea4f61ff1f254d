import Foundation
import GraphIR

/// The angle in radians whose sine is the number.
struct Asin: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Asin"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(asin(x.double)) }

  /// Carries the gradient back: `∂x = ∂y / √(1 − x²)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    let rest = derivation("Sub", derivation.constant(1), square)
    return [derivation("Div", dy, derivation("Sqrt", rest))]
  }
}
