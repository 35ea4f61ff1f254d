import GraphIR
import Tensors

/// An operator that gives its first input another shape and leaves the elements as they are.
protocol ViewOperator: Operator, ChannelOperator {
  /// The shape of the output, or `nil` when it depends on values not known before the run.
  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]?
}

extension ViewOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let x = try inputs.required(0)
    return try outputShape(x, inputs).map { [TensorType(x.elementType, $0)] }
  }

  func forward(_ call: OperatorCall) throws {
    let (x, y) = (try call.input(0), call.outputs[0])
    if x.base != y.base { y.bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes)) }
  }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    let operands = inputs.map { $0.map { Operand(constant: $0) } }
    guard let x = inputs.first ?? nil, let type = try inferTypes(operands)?.first else {
      throw OperatorErrors.dynamicTypes
    }
    return [x.reshaped(to: type.shape)]
  }

  var outputMemory: OutputMemory { .view(input: 0) }
}

extension ViewOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .rearranged(data: [0])
  }
}
