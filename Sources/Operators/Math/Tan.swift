import Foundation
import GraphIR

/// The tangent of an angle in radians.
struct Tan: UnaryMathOperator {
  static let opType = "Tan"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(tan(x.double)) }
}
