import Foundation
import GraphIR

/// The angle in radians whose sine is the number.
struct Asin: UnaryMathOperator {
  static let opType = "Asin"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(asin(x.double)) }
}
