import Foundation
import GraphIR

/// *e* to the power of a number.
struct Exp: UnaryMathOperator {
  static let opType = "Exp"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(exp(x.double)) }
}
