import GraphIR
import Tensors

/// The data with each update written over, or reduced with, the block that a row of indices names.
struct ScatterND: PreparedOperator, DifferentiableOperator {
  static let opType = "ScatterND"

  let reduction: ScatterReduction

  init(attributes: Attributes, opset: Int) throws {
    reduction = try ScatterReduction(attributes, opset: opset)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let (data, updates) = (try inputs.required(0), try inputs.required(2))
    try reduction.check(data)
    let rows = try TupleIndices(try inputs.required(1), data: data, batch: 0)
    try updates.check(2, holds: data.elementType)
    try updates.check(2, shape: rows.rows + rows.block, "updates")
    return [data.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let rows = try TupleIndices(
      try site.inputs.required(1), data: try site.inputs.required(0), batch: 0)
    return Kernel(algorithm: "") { call in
      let (data, indices) = (try call.input(0), try call.input(1))
      let (updates, y) = (try call.input(2), call.outputs[0])
      y.bytes.copyMemory(from: UnsafeRawBufferPointer(data.bytes))
      for row in 0..<rows.count {
        try reduction.apply(
          updates, at: row * rows.blockCount, to: y, at: try rows.place(indices, row: row),
          count: rows.blockCount)
      }
    }
  }

  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    try derivation.scattered(reduction, gather: "GatherND")
  }
}
