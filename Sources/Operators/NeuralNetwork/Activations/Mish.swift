import Foundation
import GraphIR

/// `x · tanh(ln(1 + eˣ))`.
///
/// Reference: Misra, *Mish: A Self Regularized Non-Monotonic Activation Function*, BMVC 2020,
/// arXiv:1908.08681.
struct Mish: ActivationOperator {
  static let opType = "Mish"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { x * tanh(max(x, 0) + log1p(exp(-abs(x)))) }

  /// The derivative: `t + x σ(x) (1 − t²)` with `t = tanh(ln(1 + eˣ))`.
  func slope(_ x: Double) -> Double {
    let t = tanh(max(x, 0) + log1p(exp(-abs(x))))
    return t + x / (1 + exp(-x)) * (1 - t * t)
  }
}
