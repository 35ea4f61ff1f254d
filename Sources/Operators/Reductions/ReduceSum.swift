import GraphIR

/// The sum of the elements along some axes.
struct ReduceSum: ReductionOperator {
  static let opType = "ReduceSum"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset, inputSince: 13)
  }

  func real(_ fold: Double, adding x: Double) -> Double { fold + x }
}
