import Foundation
import GraphIR

/// The hyperbolic cosine of a number.
struct Cosh: UnaryMathOperator {
  static let opType = "Cosh"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(cosh(x.double)) }
}
