import GraphIR

/// The product of the elements along some axes.
struct ReduceProd: ReductionOperator, DifferentiableOperator {
  static let opType = "ReduceProd"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  var realStart: Double { 1 }
  var wholeStart: Int64? { 1 }

  func float(_ fold: Double, adding x: Double) -> Double { fold * x }
  func float(_ fold: Double, joining other: Double) -> Double { fold * other }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { fold &* x }

  /// Carries the gradient back: `∂y` times the product of the other factors, see
  /// ``ProductGradient``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let fold = try derivation.spreadFold(axes)
    let folded = try axes.folded(derivation.inputs) ?? []
    return [
      derivation(
        ProductGradient.opType, domain: ProductGradient.domain, fold.gradient, derivation.input(0),
        attributes: ["axes": .ints(folded.sorted())])
    ]
  }
}
