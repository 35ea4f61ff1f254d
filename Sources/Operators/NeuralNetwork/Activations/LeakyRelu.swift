import GraphIR
import Kernels

/// An element, or `α` times it when negative.
struct LeakyRelu: ActivationOperator {
  static let opType = "LeakyRelu"

  let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 0.01)
  }

  func value(_ x: Double) -> Double { x < 0 ? Double(alpha) * x : x }

  var activation: Activation? { .leakyRelu(slope: alpha) }

  /// The derivative: `α` below zero, 1 above.
  func slope(_ x: Double) -> Double { x < 0 ? Double(alpha) : 1 }
}

extension LeakyRelu: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .function }
  static var isPositivelyHomogeneous: Bool { true }

  var integerForm: IntegerForm? {
    IntegerForm("QLinearLeakyRelu", [.input(0), .output], attributes: ["alpha"])
  }
}
