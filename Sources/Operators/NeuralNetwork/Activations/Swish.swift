import Foundation
import GraphIR
import Kernels

/// `x / (1 + e^{−α x})`, SiLU for α = 1.
///
/// Reference: Ramachandran et al., *Searching for Activation Functions*, arXiv:1710.05941.
struct Swish: ActivationOperator {
  static let opType = "Swish"

  let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1)
  }

  func value(_ x: Double) -> Double { x / (1 + exp(-Double(alpha) * x)) }

  var activation: Activation? { alpha == 1 ? .silu : nil }

  /// The derivative: `s + α x s (1 − s)` with `s = 1 / (1 + e^{−α x})`.
  func slope(_ x: Double) -> Double {
    let s = 1 / (1 + exp(-Double(alpha) * x))
    return s + Double(alpha) * x * s * (1 - s)
  }
}
