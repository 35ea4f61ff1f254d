import Foundation
import GraphIR

/// The hyperbolic sine of a number.
struct Sinh: UnaryMathOperator {
  static let opType = "Sinh"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(sinh(x.double)) }
}
