import GraphIR
import Tensors

/// The data with each update written at the update's own place, `axis` replaced by the index.
struct ScatterElements: ElementScatterOperator {
  static let opType = "ScatterElements"

  let axis: Int
  let reduction: ScatterReduction

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 0)
    reduction = try ScatterReduction(attributes, opset: opset)
  }
}
