import GraphIR
import Tensors

/// An operator that writes updates into a copy of its data, each where an index says.
protocol ElementScatterOperator: PreparedOperator, DifferentiableOperator {
  /// The axis that the indices run along.
  var axis: Int { get }
  /// What happens to the element that is already there.
  var reduction: ScatterReduction { get }
}

extension ElementScatterOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let (data, indices) = (try inputs.required(0), try inputs.required(1))
    let updates = try inputs.required(2)
    try reduction.check(data)
    _ = try AxisIndices(indices, data: data, axis: axis)
    try updates.check(2, holds: data.elementType)
    try updates.check(2, shape: indices.shape, "updates")
    return [data.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let walk = try AxisIndices(
      try site.inputs.required(1), data: try site.inputs.required(0), axis: axis)
    return Kernel(algorithm: "") { call in
      let (data, indices) = (try call.input(0), try call.input(1))
      let (updates, y) = (try call.input(2), call.outputs[0])
      y.bytes.copyMemory(from: UnsafeRawBufferPointer(data.bytes))
      var failure: (any Error)?
      try walk.forEach(indices) { index, place in
        do { try reduction.apply(updates, at: index, to: y, at: place, count: 1) } catch {
          failure = error
        }
      }
      if let failure { throw failure }
    }
  }
}

extension ElementScatterOperator {
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    try derivation.scattered(
      reduction, gather: "GatherElements", attributes: ["axis": .int(axis)])
  }
}
