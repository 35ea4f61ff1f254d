import GraphIR
import Tensors

/// An operator whose one output is a strided selection of its first input.
///
/// Where the selection happens to be one block of memory, a view stands in for the copy.
protocol StridedCopyOperator: PreparedOperator, BlockOperator, ChannelOperator {
  /// The copy that makes the output.
  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy
}

extension StridedCopyOperator {
  func prepare(_ site: PreparationSite) throws -> Kernel {
    let copy = try copy(site.inputs, site.outputs[0])
    return Kernel(algorithm: copy.isBlock ? "block" : "strided") { call in
      copy.run(from: try call.input(0), to: call.outputs[0], pool: call.pool)
    }
  }

  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    guard let copy = try? copy(inputs, outputs[0]), copy.isBlock,
      let bytes = inputs.optional(0)?.elementBytes
    else { return nil }
    return .outputsInInput(offsets: [copy.sourceOffset / bytes])
  }
}

extension StridedCopyOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .rearranged(data: [0])
  }
}
