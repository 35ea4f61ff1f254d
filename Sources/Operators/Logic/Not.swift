import GraphIR
import Tensors

/// Whether a truth value does not hold.
struct Not: Operator {
  static let opType = "Not"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .bool)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    let (x, y) = (try call.input(0), call.outputs[0].words(as: Bool.self))
    let bytes = x.words(as: UInt8.self)
    for index in 0..<x.count { y[index] = bytes[index] == 0 }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}

extension Not: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
