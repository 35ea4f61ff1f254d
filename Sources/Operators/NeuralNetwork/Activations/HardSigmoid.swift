import Foundation
import GraphIR
import Kernels

/// A sigmoid of three straight pieces: `min(max(α x + β, 0), 1)`.
struct HardSigmoid: ActivationOperator {
  static let opType = "HardSigmoid"

  let alpha: Float
  let beta: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 0.2)
    beta = try attributes.float("beta", default: 0.5)
  }

  func value(_ x: Double) -> Double { min(max(Double(alpha) * x + Double(beta), 0), 1) }

  var activation: Activation? { .hardSigmoid(alpha: alpha, beta: beta) }

  /// The derivative: `α` between the knees, else 0.
  func slope(_ x: Double) -> Double {
    let line = Double(alpha) * x + Double(beta)
    return line > 0 && line < 1 ? Double(alpha) : 0
  }
}

extension HardSigmoid: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .function }
}
