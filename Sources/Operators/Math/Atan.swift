import Foundation
import GraphIR

/// The angle in radians whose tangent is the number.
struct Atan: UnaryMathOperator {
  static let opType = "Atan"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(atan(x.double)) }
}
