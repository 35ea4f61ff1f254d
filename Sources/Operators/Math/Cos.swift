import Foundation
import GraphIR

/// The cosine of an angle in radians.
struct Cos: UnaryMathOperator {
  static let opType = "Cos"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(cos(x.double)) }
}
