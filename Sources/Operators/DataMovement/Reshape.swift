import GraphIR
import Tensors

/// The same elements under the shape that the second input lists.
///
/// An extent of −1 is what the others leave; 0 is the input's extent on that axis, or an empty axis
/// when `allowzero` is set.
struct Reshape: ViewOperator, DifferentiableOperator {
  static let opType = "Reshape"

  let allowsZero: Bool

  init(attributes: Attributes, opset: Int) throws {
    allowsZero = opset >= 14 ? try attributes.flag("allowzero", default: false) : false
  }

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(2...2)
    guard let wanted = try inputs.required(1).constantIntegers(1) else { return nil }
    var shape = wanted
    if !allowsZero {
      for (axis, extent) in wanted.enumerated() where extent == 0 {
        guard axis < x.shape.count else { throw misfit(x, wanted) }
        shape[axis] = x.shape[axis]
      }
    }
    let free = shape.indices.filter { shape[$0] == -1 }
    guard free.count <= 1, shape.allSatisfy({ $0 >= -1 }) else { throw misfit(x, wanted) }
    for axis in free { shape[axis] = 1 }
    let known = try TensorType(checking: .uint8, shape).count
    if let axis = free.first {
      guard known > 0, x.type.count % known == 0 else { throw misfit(x, wanted) }
      shape[axis] = x.type.count / known
    } else if known != x.type.count {
      throw misfit(x, wanted)
    }
    return shape
  }

  private func misfit(_ x: Operand, _ wanted: [Int]) -> OperatorError {
    .shape(input: 0, found: x.shape, reason: "cannot take the shape \(wanted)")
  }

  /// Carries the gradient back: `∂x` is `∂y` under the shape of x.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.reshaped(derivation.gradient(), to: try derivation.type(0).shape)]
  }
}

extension Reshape {
  /// The shape of what stays; extents that the node copies or works out itself stay as they are
  /// written.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    guard let written = try removal.inputs.required(1).constantIntegers(1) else {
      throw OperatorErrors.dynamicTypes
    }
    let (before, after) = (removal.inputs[0]?.shape ?? [], removal.shape(ofInput: 0))
    var shape = removal.shape()
    for (axis, extent) in written.enumerated() where shape.indices.contains(axis) {
      let isCopied = before.indices.contains(axis) && after[axis] == shape[axis] && !allowsZero
      // A batch that a shape computation copies stays open.
      let isBatch = axis == 0 && isCopied && before[0] == removal.outputs[0].shape[0]
      if extent == -1 || extent == 0 && isCopied { shape[axis] = extent }
      if extent > 0, isBatch, !written.contains(0) { shape[axis] = 0 }
    }
    return ChannelAdjustment(operands: [1: Tensor(shape.map(Int64.init))])
  }
}

extension Reshape: QuantizableOperator, TargetShapeOperator {
  static var quantizationRole: QuantizationRole { .layout }

  static var targetShapeInput: Int { 1 }
  static var joinsBatch: Bool { true }
}
