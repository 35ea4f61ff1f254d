import GraphIR
import Tensors

/// The gradient of ``GatherND``'s data: blocks of `∂y` summed over the places that rows of indices
/// name.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y`, indices. Attributes:
/// `batch_dims` and `shape` of the data. Blocks named several times sum in the order of the rows.
struct GatherNDGradient: PreparedOperator {
  static let opType = "GatherNDGradient"
  static let domain = "compress"

  private let batch: Int
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    batch = try attributes.int("batch_dims", default: 0)
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    try inputs.required(0).check(0, holds: .float32)
    _ = try rows(inputs)
    return [try TensorType(checking: .float32, shape)]
  }

  private func rows(_ inputs: [Operand?]) throws -> TupleIndices {
    let data = Operand(type: try TensorType(checking: .float32, shape))
    return try TupleIndices(try inputs.required(1), data: data, batch: batch)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let rows = try rows(site.inputs)
    let count = shape.product
    return Kernel(algorithm: "") { call in
      let (gradient, indices) = (try call.input(0).words(as: Float.self), try call.input(1))
      let result = call.outputs[0].words(as: Float.self)
      result.update(repeating: 0, count: count)
      for row in 0..<rows.count {
        let target = result + (try rows.place(indices, row: row))
        let source = gradient + row * rows.blockCount
        for element in 0..<rows.blockCount { target[element] += source[element] }
      }
    }
  }
}
