import GraphIR

/// The older name of `ScatterElements`, without a reduction.
struct Scatter: ElementScatterOperator {
  static let opType = "Scatter"

  let axis: Int
  let reduction: ScatterReduction

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 0)
    reduction = .none
  }
}
