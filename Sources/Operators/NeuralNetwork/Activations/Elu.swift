import Foundation
import GraphIR
import Kernels

/// An element, or `α (eˣ − 1)` when negative.
///
/// Reference: Clevert et al., *Fast and Accurate Deep Network Learning by Exponential Linear
/// Units*, ICLR 2016, arXiv:1511.07289.
struct Elu: ActivationOperator {
  static let opType = "Elu"

  let alpha: Float

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1)
  }

  func value(_ x: Double) -> Double { x < 0 ? Double(alpha) * expm1(x) : x }

  var activation: Activation? { .elu(alpha: alpha) }

  /// The derivative: `α eˣ` below zero, 1 above.
  func slope(_ x: Double) -> Double { x < 0 ? Double(alpha) * exp(x) : 1 }
}
