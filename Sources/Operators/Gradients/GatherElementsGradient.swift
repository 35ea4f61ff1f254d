import GraphIR
import Tensors

/// The gradient of ``GatherElements``'s data: elements of `∂y` summed over the places the indices
/// name.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y`, indices. Attributes:
/// `axis` and `shape` of the data. Elements named several times sum in the order of the indices.
struct GatherElementsGradient: PreparedOperator {
  static let opType = "GatherElementsGradient"
  static let domain = "compress"

  private let axis: Int
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.requiredInt("axis")
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    try inputs.required(0).check(0, holds: .float32)
    _ = try indices(inputs)
    return [try TensorType(checking: .float32, shape)]
  }

  private func indices(_ inputs: [Operand?]) throws -> AxisIndices {
    let data = Operand(type: try TensorType(checking: .float32, shape))
    return try AxisIndices(try inputs.required(1), data: data, axis: axis)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let walk = try indices(site.inputs)
    let count = shape.product
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let result = call.outputs[0].words(as: Float.self)
      result.update(repeating: 0, count: count)
      try walk.forEach(try call.input(1)) { index, place in result[place] += gradient[index] }
    }
  }
}
