import Foundation
import GraphIR
import Kernels

/// The hyperbolic tangent.
struct Tanh: ActivationOperator {
  static let opType = "Tanh"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { tanh(x) }

  var activation: Activation? { .tanh }

  /// The derivative: `1 − y²`.
  func slope(_ x: Double) -> Double {
    let y = value(x)
    return 1 - y * y
  }
}

extension Tanh: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .function }
}
