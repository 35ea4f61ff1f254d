import Foundation
import GraphIR

/// The natural logarithm of a number.
struct Log: UnaryMathOperator {
  static let opType = "Log"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(log(x.double)) }
}
