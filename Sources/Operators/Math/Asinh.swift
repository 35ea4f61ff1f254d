import Foundation
import GraphIR

/// The number whose hyperbolic sine is given.
struct Asinh: UnaryMathOperator {
  static let opType = "Asinh"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(asinh(x.double)) }
}
