import Foundation
import GraphIR

/// The angle in radians whose cosine is the number.
struct Acos: UnaryMathOperator {
  static let opType = "Acos"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(acos(x.double)) }
}
