import Foundation
import GraphIR

/// The natural logarithm of a number.
struct Log: UnaryMathOperator, DifferentiableOperator {
  static let opType = "Log"

  init(attributes: Attributes, opset: Int) {}

  func float<Number: WideFloat>(_ x: Number) -> Number { Number(log(x.double)) }

  /// Carries the gradient back: `∂x = ∂y / x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return [derivation("Div", dy, derivation.input(0))]
  }
}
