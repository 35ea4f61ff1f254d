import Foundation
import GraphIR

/// `ln(1 + eˣ)`.
struct Softplus: ActivationOperator {
  static let opType = "Softplus"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// The derivative: `1 / (1 + e⁻ˣ)`.
  func slope(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
