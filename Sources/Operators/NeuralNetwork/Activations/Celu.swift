import Foundation
import GraphIR

/// `max(0, x) + min(0, α (e^{x/α} − 1))`.
///
/// Reference: Barron, *Continuously Differentiable Exponential Linear Units*, arXiv:1704.07483.
struct Celu: ActivationOperator {
  static let opType = "Celu"

  let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1)
  }

  func value(_ x: Double) -> Double { max(0, x) + min(0, Double(alpha) * expm1(x / Double(alpha))) }

  /// The derivative: `e^{x/α}` below zero, 1 above.
  func slope(_ x: Double) -> Double { x < 0 ? exp(x / Double(alpha)) : 1 }
}
