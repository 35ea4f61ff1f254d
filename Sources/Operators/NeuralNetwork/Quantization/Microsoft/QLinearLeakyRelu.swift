import GraphIR

/// `x` for `x ≥ 0`, `alpha · x` below, of a quantised value; see ``QuantizedFunctionOperator``.
struct QLinearLeakyRelu: QuantizedFunctionOperator {
  static let opType = "QLinearLeakyRelu"

  private let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 0.01)
  }

  func value(_ x: Float) -> Float { x >= 0 ? x : alpha * x }
}
