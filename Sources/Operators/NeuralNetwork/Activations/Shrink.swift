import GraphIR

/// An element beyond ±λ brought nearer to 0 by a bias, else zero.
struct Shrink: ActivationOperator {
  static let opType = "Shrink"

  let lambda: Float
  let bias: Float

  init(attributes: Attributes, opset: Int) throws {
    lambda = try attributes.float("lambd", default: 0.5)
    bias = try attributes.float("bias", default: 0)
  }

  func value(_ x: Double) -> Double {
    if x < -Double(lambda) { return x + Double(bias) }
    return x > Double(lambda) ? x - Double(bias) : 0
  }

  /// The derivative: 1 beyond ±λ, 0 between.
  func slope(_ x: Double) -> Double { x < -Double(lambda) || x > Double(lambda) ? 1 : 0 }
}
