import GraphIR
import Tensors

/// An operator that combines two truth values, operands broadcast to one shape.
protocol LogicOperator: PreparedOperator, ChannelOperator {
  /// The combination of two truth values.
  func value(_ a: Bool, _ b: Bool) -> Bool
}

extension LogicOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (a, b) = (try inputs.required(0), try inputs.required(1))
    try a.check(0, holds: .bool)
    try b.check(1, holds: .bool)
    return [try TensorType(checking: .bool, try Broadcasting.shape([a.shape, b.shape]))]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let loop = BroadcastLoop(
      output: site.outputs[0].shape, try site.inputs.required(0).shape,
      try site.inputs.required(1).shape)
    let steps = loop.steps
    return Kernel(algorithm: "") { call in
      let (a, b) = (
        try call.input(0).words(as: UInt8.self), try call.input(1).words(as: UInt8.self)
      )
      let y = call.outputs[0].words(as: Bool.self)
      loop.forEachRow(pool: call.pool) { row in
        for index in 0..<row.count {
          y[row.output + index] = value(
            a[row.a + index * steps.a] != 0, b[row.b + index * steps.b] != 0)
        }
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }
}

extension LogicOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
