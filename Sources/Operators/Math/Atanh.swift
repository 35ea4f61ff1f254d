import Foundation
import GraphIR

/// The number whose hyperbolic tangent is given.
struct Atanh: UnaryMathOperator {
  static let opType = "Atanh"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(atanh(x.double)) }
}
