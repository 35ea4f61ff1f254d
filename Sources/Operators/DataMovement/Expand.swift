import GraphIR
import Tensors

/// The input broadcast against the shape that the second input lists.
struct Expand: StridedCopyOperator, DifferentiableOperator {
  static let opType = "Expand"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    guard let wanted = try inputs.required(1).constantIntegers(1) else { return nil }
    return [
      try TensorType(checking: x.elementType, try Broadcasting.shape([x.shape, wanted]))
    ]
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    return StridedCopy(
      output.shape, from: Broadcasting.strides(of: x.shape, in: output.shape),
      to: output.shape.contiguousStrides, elementBytes: x.elementBytes)
  }

  /// Carries the gradient back: `∂x` gathers `∂y` where the copy took it from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [try derivation.adjoint(of: copy(derivation.inputs, derivation.outputs[0]))]
  }
}

extension Expand {
  /// The shape of what stays.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    ChannelAdjustment(operands: [1: Tensor(removal.shape().map(Int64.init))])
  }
}

extension Expand: TargetShapeOperator {
  static var targetShapeInput: Int { 1 }
}
