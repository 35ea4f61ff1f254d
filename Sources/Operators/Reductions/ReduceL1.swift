import GraphIR

/// The sum of the magnitudes of the elements along some axes.
struct ReduceL1: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceL1"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  func float(_ fold: Double, adding x: Double) -> Double { fold + abs(x) }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { x < 0 ? fold &- x : fold &+ x }

  /// Carries the gradient back: `∂x = ∂y · sign(x)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    return [derivation.product(spread.gradient, derivation("Sign", derivation.input(0)))]
  }
}
