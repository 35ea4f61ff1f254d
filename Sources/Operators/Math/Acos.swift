import Foundation
import GraphIR

/// The angle in radians whose cosine is the number.
struct Acos: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Acos"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(acos(x.double)) }

  /// Carries the gradient back: `∂x = −∂y / √(1 − x²)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    let rest = derivation("Sub", derivation.constant(1), square)
    return [derivation("Neg", derivation("Div", dy, derivation("Sqrt", rest)))]
  }
}
