import GraphIR

/// The largest element along some axes; NaN when one of them is.
struct ReduceMax: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceMax"
  static let foldsTruthValues = true

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  var realStart: Double { -.infinity }
  var wholeStart: Int64? { .min }

  func float(_ fold: Double, adding x: Double) -> Double { x > fold || x.isNaN ? x : fold }
  func float(_ fold: Double, joining other: Double) -> Double { float(fold, adding: other) }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { max(fold, x) }

  /// The gradient goes to every element that is the largest.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let spread = try derivation.spreadFold(axes)
    let isChosen = derivation("Equal", derivation.input(0), spread.output)
    return [derivation("Where", isChosen, spread.gradient, derivation.constant(0))]
  }
}
