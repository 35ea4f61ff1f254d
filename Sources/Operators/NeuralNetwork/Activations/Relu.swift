import GraphIR
import Kernels
import Tensors

/// The larger of an element and zero: `max(x, 0)`.
struct Relu: ActivationOperator {
  static let opType = "Relu"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { x > 0 ? x : (x.isNaN ? x : 0) }

  var activation: Activation? { .relu }

  /// 0 below zero, 1 above.
  func slope(_ x: Double) -> Double { x > 0 ? 1 : 0 }
}

extension Relu: ClampOperator {
  static var isPositivelyHomogeneous: Bool { true }

  func bounds(_ node: Node, constant: (String) -> Tensor?) -> ClosedRange<Float>? {
    0...(.infinity)
  }
}
