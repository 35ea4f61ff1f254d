import Foundation
import GraphIR

/// The logarithm of the sum of the elements along some axes.
struct ReduceLogSum: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceLogSum"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  var wholeStart: Int64? { nil }

  func float(_ fold: Double, adding x: Double) -> Double { fold + x }
  func float(_ fold: Double, finishing count: Int) -> Double { log(fold) }

  /// Carries the gradient back: `∂x = ∂y / Σ x = ∂y · e^{−y}`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let inverse = derivation("Exp", derivation("Neg", spread.output))
    let factor = derivation.product(spread.gradient, inverse)
    return [derivation.expanded(factor, to: spread.shape)]
  }
}
