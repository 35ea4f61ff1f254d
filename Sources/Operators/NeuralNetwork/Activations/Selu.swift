import Foundation
import GraphIR

/// `γ x`, or `γ α (eˣ − 1)` when negative.
///
/// Reference: Klambauer et al., *Self-Normalizing Neural Networks*, NIPS 2017, arXiv:1706.02515.
struct Selu: ActivationOperator {
  static let opType = "Selu"

  let alpha: Float
  let gamma: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1.673_263_192_176_818_8)
    gamma = try attributes.float("gamma", default: 1.050_701_022_148_132_3)
  }

  func value(_ x: Double) -> Double { Double(gamma) * (x > 0 ? x : Double(alpha) * expm1(x)) }

  /// The derivative: `γ α eˣ` below zero, `γ` above.
  func slope(_ x: Double) -> Double { Double(gamma) * (x > 0 ? 1 : Double(alpha) * exp(x)) }
}
