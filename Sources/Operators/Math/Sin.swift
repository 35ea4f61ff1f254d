import Foundation
import GraphIR

/// The sine of an angle in radians.
struct Sin: UnaryMathOperator {
  static let opType = "Sin"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(sin(x.double)) }
}
