import GraphIR
import Tensors

/// The inputs joined along one axis.
struct Concat: PreparedOperator, BlockOperator, DifferentiableOperator {
  static let opType = "Concat"

  let axis: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.requiredInt("axis")
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let first = try inputs.required(0)
    try first.checkMovable(0)
    let axis = try axis.axis(ofRank: first.shape.count)
    var shape = first.shape
    for index in inputs.indices.dropFirst() {
      let next = try inputs.required(index)
      try next.check(index, holds: first.elementType)
      var aligned = next.shape
      if aligned.indices.contains(axis) { aligned[axis] = first.shape[axis] }
      guard aligned == first.shape else {
        throw OperatorError.incompatible(
          [first.shape, next.shape], reason: "cannot be joined along axis \(axis)")
      }
      shape[axis] += next.shape[axis]
    }
    return [try TensorType(checking: first.elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let output = site.outputs[0]
    let axis = try axis.axis(ofRank: output.shape.count)
    let strides = output.shape.contiguousStrides
    var start = 0
    let copies = try site.inputs.indices.map { index in
      let x = try site.inputs.required(index)
      defer { start += x.shape[axis] }
      return StridedCopy(
        x.shape, from: x.shape.contiguousStrides, to: strides,
        elementBytes: x.elementBytes, targetOffset: start * strides[axis])
    }
    return Kernel(algorithm: "") { call in
      for (index, copy) in copies.enumerated() {
        copy.run(from: try call.input(index), to: call.outputs[0], pool: call.pool)
      }
    }
  }

  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    guard let axis = try? axis.axis(ofRank: outputs[0].shape.count),
      outputs[0].shape[..<axis].allSatisfy({ $0 == 1 })
    else { return nil }
    var offset = 0
    return .inputsInOutput(
      offsets: inputs.map { input in
        defer { offset += input?.type.count ?? 0 }
        return offset
      })
  }

  /// Carries the gradient back: `∂xᵢ` is the part of `∂y` that xᵢ makes up.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shapes = try derivation.node.inputs.indices.map { try derivation.type($0).shape }
    let axis = try axis.axis(ofRank: derivation.outputs[0].shape.count)
    return derivation.parts(
      derivation.gradient(), axis: axis, extents: shapes.map { $0[axis] })
  }
}

extension Concat: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .rearranged(data: Array(inputs.indices))
  }
}

extension Concat: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .combination }

  var integerForm: IntegerForm? {
    IntegerForm("QLinearConcat", [.output, .everyInput], attributes: ["axis"])
  }

  /// Known for channels.
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? {
    axis == 1 ? .concatenated : nil
  }
}
