import GraphIR

/// The sum of the elements along some axes.
struct ReduceSum: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceSum"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset, inputSince: 13)
  }

  func float(_ fold: Double, adding x: Double) -> Double { fold + x }

  /// Carries the gradient back: `∂x = ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    return [derivation.expanded(spread.gradient, to: spread.shape)]
  }
}
