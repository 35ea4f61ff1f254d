import GraphIR

/// The sum of the squares of the elements along some axes.
struct ReduceSumSquare: ReductionOperator {
  static let opType = "ReduceSumSquare"

  let axes: ReductionAxes

  init(attributes: Attributes, opset: Int) throws {
    axes = try ReductionAxes(attributes, opset: opset)
  }

  func real(_ fold: Double, adding x: Double) -> Double { fold + x * x }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { fold &+ x &* x }
}
