import GraphIR
import Tensors

/// The number of the input's elements as an int64 scalar.
struct Size: ShapeOperator {
  static let opType = "Size"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    _ = try inputs.required(0)
    return [TensorType(.int64, [])]
  }

  func forward(_ call: OperatorCall) throws {
    call.outputs[0].elements(as: Int64.self)[0] = Int64(try call.input(0).count)
  }

  func evaluate(types: [TensorType?]) throws -> [Tensor] {
    let operands = types.map { $0.map { Operand(type: $0) } }
    return [Tensor(scalar: Int64(try operands.required(0).type.count))]
  }
}
