import Foundation
import GraphIR
import Kernels

/// The logistic function `1 / (1 + e⁻ˣ)`.
struct Sigmoid: ActivationOperator {
  static let opType = "Sigmoid"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  var activation: Activation? { .sigmoid }

  /// The derivative: `y (1 − y)`.
  func slope(_ x: Double) -> Double {
    let y = value(x)
    return y * (1 - y)
  }
}

extension Sigmoid: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .function }

  var integerForm: IntegerForm? { IntegerForm("QLinearSigmoid", [.input(0), .output]) }
}
