import GraphIR

/// The mean of the elements along some axes; of none it is 0.
struct ReduceMean: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceMean"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  func float(_ fold: Double, adding x: Double) -> Double { fold + x }
  func float(_ fold: Double, finishing count: Int) -> Double {
    count == 0 ? 0 : fold / Double(count)
  }
  func whole(_ fold: Int64, finishing count: Int) -> Int64 { count == 0 ? 0 : fold / Int64(count) }

  /// Carries the gradient back: `∂x = ∂y / n`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let share = derivation.scaled(spread.gradient, by: 1 / Float(max(spread.count, 1)))
    return [derivation.expanded(share, to: spread.shape)]
  }
}
