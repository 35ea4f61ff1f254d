import GraphIR
import Tensors

/// For each row of indices, the block of the data it names.
///
/// The first `batch_dims` axes of data and indices run side by side (from opset 12).
struct GatherND: PreparedOperator, DifferentiableOperator {
  static let opType = "GatherND"

  let batch: Int

  init(attributes: Attributes, opset: Int) throws {
    batch = opset >= 12 ? try attributes.int("batch_dims", default: 0) : 0
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let data = try inputs.required(0)
    try data.checkMovable(0)
    let rows = try TupleIndices(try inputs.required(1), data: data, batch: batch)
    return [try TensorType(checking: data.elementType, rows.rows + rows.block)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let data = try site.inputs.required(0)
    let rows = try TupleIndices(try site.inputs.required(1), data: data, batch: batch)
    let bytes = data.elementBytes
    return Kernel(algorithm: "") { call in
      let (data, indices, y) = (try call.input(0), try call.input(1), call.outputs[0])
      for row in 0..<rows.count {
        let place = try rows.place(indices, row: row)
        (y.base + row * rows.blockCount * bytes).copyMemory(
          from: data.base + place * bytes, byteCount: rows.blockCount * bytes)
      }
    }
  }

  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dx = derivation(
      GatherNDGradient.opType, domain: GatherNDGradient.domain, derivation.gradient(),
      derivation.input(1),
      attributes: ["batch_dims": .int(batch), "shape": .ints(try derivation.type(0).shape)])
    return [dx, nil]
  }
}
