import GraphIR
import Tensors

/// A tensor of the shape that the input lists, filled with the attribute `value` (0 when absent).
struct ConstantOfShape: Operator {
  static let opType = "ConstantOfShape"

  let value: Tensor

  init(attributes: Attributes, opset: Int) throws {
    value = try attributes.tensor("value") ?? Tensor([Float(0)])
    guard value.count == 1, value.elementType.bitWidth >= 8 else {
      throw AttributeError.invalid(name: "value", reason: "is \(value.type), expected one number")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    guard let shape = try inputs.required(0).constantIntegers(0) else { return nil }
    return [try TensorType(checking: value.elementType, shape)]
  }

  func forward(_ call: OperatorCall) throws {
    let y = call.outputs[0]
    StridedCopy(
      [y.count], from: [0], to: [1], elementBytes: y.type.elementBytes
    ).run(from: value.view, to: y, pool: call.pool)
  }
}
