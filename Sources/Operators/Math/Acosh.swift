import Foundation
import GraphIR

/// The number whose hyperbolic cosine is given.
struct Acosh: UnaryMathOperator {
  static let opType = "Acosh"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(acosh(x.double)) }
}
