import GraphIR

/// The Euclidean norm of the elements along some axes.
struct ReduceL2: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceL2"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  var wholeStart: Int64? { nil }

  func float(_ fold: Double, adding x: Double) -> Double { fold + x * x }
  func float(_ fold: Double, finishing count: Int) -> Double { fold.squareRoot() }

  /// Carries the gradient back: `∂x = ∂y · x / y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let factor = derivation("Div", spread.gradient, spread.output)
    return [derivation.product(factor, derivation.input(0))]
  }
}
