import Foundation
import GraphIR

/// `1 / (1 + e⁻ˣ)` of a quantised value; see ``QuantizedFunctionOperator``.
struct QLinearSigmoid: QuantizedFunctionOperator {
  static let opType = "QLinearSigmoid"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
}
