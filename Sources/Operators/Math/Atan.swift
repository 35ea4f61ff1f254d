import Foundation
import GraphIR

/// The angle in radians whose tangent is the number.
struct Atan: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Atan"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(atan(x.double)) }

  /// Carries the gradient back: `∂x = ∂y / (1 + x²)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let square = derivation.product(derivation.input(0), derivation.input(0))
    return [derivation("Div", dy, derivation("Add", square, derivation.constant(1)))]
  }
}
