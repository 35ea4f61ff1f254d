import GraphIR
import Kernels

/// `x · min(max(x / 6 + ½, 0), 1)`.
///
/// Reference: Howard et al., *Searching for MobileNetV3*, ICCV 2019, arXiv:1905.02244.
struct HardSwish: ActivationOperator {
  static let opType = "HardSwish"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { x * min(max(x / 6 + 0.5, 0), 1) }

  var activation: Activation? { .hardSwish }

  /// The derivative: `x / 3 + ½` between the knees, 0 below and 1 above.
  func slope(_ x: Double) -> Double { x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 }
}

extension HardSwish: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .function }
}
