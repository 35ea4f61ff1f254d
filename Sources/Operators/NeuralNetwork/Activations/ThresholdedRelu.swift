import GraphIR

/// An element above `α`, else zero.
struct ThresholdedRelu: ActivationOperator {
  static let opType = "ThresholdedRelu"

  let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1)
  }

  func value(_ x: Double) -> Double { x > Double(alpha) ? x : 0 }

  /// 0 below α, 1 above.
  func slope(_ x: Double) -> Double { x > Double(alpha) ? 1 : 0 }
}
