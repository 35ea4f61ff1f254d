import GraphIR

/// The sum of the squares of the elements along some axes.
struct ReduceSumSquare: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceSumSquare"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  func float(_ fold: Double, adding x: Double) -> Double { fold + x * x }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { fold &+ x &* x }

  /// Carries the gradient back: `∂x = 2 ∂y · x`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let double = derivation.scaled(spread.gradient, by: 2)
    return [derivation.product(double, derivation.input(0))]
  }
}
