import Foundation
import GraphIR

/// The logarithm of the sum of *e* to the power of each element along some axes.
struct ReduceLogSumExp: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceLogSumExp"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  var realStart: Double { -.infinity }
  var wholeStart: Int64? { nil }

  /// The fold is the logarithm itself, so that large elements do not overflow.
  func float(_ fold: Double, adding x: Double) -> Double {
    if fold == x { return x + log(2) }
    return max(fold, x) + log1p(exp(-abs(fold - x)))
  }

  func float(_ fold: Double, joining other: Double) -> Double { float(fold, adding: other) }

  /// Carries the gradient back: `∂x = ∂y · e^{x − y}`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let share = derivation("Exp", derivation("Sub", derivation.input(0), spread.output))
    return [derivation.product(spread.gradient, share)]
  }
}
