import GraphIR
import Tensors

/// The input cut into parts along one axis.
///
/// The parts' extents are an attribute up to opset 12, an input from 13 on; without them the parts
/// are equal, and from opset 18 on the last one may be smaller.
struct Split: PreparedOperator, BlockOperator, OutputCountedOperator, DifferentiableOperator {
  static let opType = "Split"

  let axis: Int
  let extents: [Int]?
  let takesExtents: Bool
  let partCount: Int
  let allowsSmallerLast: Bool

  init(attributes: Attributes, opset: Int) throws {
    try self.init(attributes: attributes, opset: opset, outputCount: 1)
  }

  init(attributes: Attributes, opset: Int, outputCount: Int) throws {
    axis = try attributes.int("axis", default: 0)
    takesExtents = opset >= 13
    extents = takesExtents ? nil : try attributes.ints("split")
    partCount = outputCount
    allowsSmallerLast = opset >= 18
    let declared = opset >= 18 ? try attributes.int("num_outputs") : nil
    guard declared == nil || declared == outputCount else {
      throw AttributeError.invalid(
        name: "num_outputs", reason: "differs from the node's \(outputCount) outputs")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...(takesExtents ? 2 : 1))
    let x = try inputs.required(0)
    try x.checkMovable(0)
    let axis = try axis.axis(ofRank: x.shape.count)
    var parts = extents
    if let operand = inputs.optional(1) {
      guard let values = try operand.constantIntegers(1) else { return nil }
      parts = values
    }
    let checked = try parts.map { try check($0, x.shape[axis]) } ?? equalParts(x, axis)
    return checked.map { part in
      var shape = x.shape
      shape[axis] = part
      return TensorType(x.elementType, shape)
    }
  }

  private func check(_ parts: [Int], _ extent: Int) throws -> [Int] {
    var rest = extent
    let fits = parts.allSatisfy { part in
      guard (0...max(rest, 0)).contains(part) else { return false }
      rest -= part
      return true
    }
    guard fits, rest == 0, parts.count == partCount else {
      throw OperatorError.unsupported(
        "parts of \(parts) for \(partCount) outputs of an axis of \(extent)")
    }
    return parts
  }

  private func equalParts(_ x: Operand, _ axis: Int) throws -> [Int] {
    let extent = x.shape[axis]
    let part = (extent + partCount - 1) / max(partCount, 1)
    let rest = extent - part * (partCount - 1)
    guard partCount > 0, rest == part || allowsSmallerLast && rest >= 0 else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "cannot be cut into \(partCount) parts on axis \(axis)")
    }
    return [Int](repeating: part, count: partCount - 1) + [rest]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let copies = try copies(site.inputs, site.outputs)
    return Kernel(algorithm: "") { call in
      let x = try call.input(0)
      for (copy, output) in zip(copies, call.outputs) {
        copy.run(from: x, to: output, pool: call.pool)
      }
    }
  }

  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    guard let copies = try? copies(inputs, outputs), copies.allSatisfy(\.isBlock),
      let bytes = inputs.optional(0)?.elementBytes
    else { return nil }
    return .outputsInInput(offsets: copies.map { $0.sourceOffset / bytes })
  }

  private func copies(_ inputs: [Operand?], _ outputs: [TensorType]) throws -> [StridedCopy] {
    let x = try inputs.required(0)
    let axis = try axis.axis(ofRank: x.shape.count)
    let strides = x.shape.contiguousStrides
    var start = 0
    return outputs.map { output in
      defer { start += output.shape[axis] }
      return StridedCopy(
        output.shape, from: strides, to: output.shape.contiguousStrides,
        elementBytes: x.elementBytes, sourceOffset: start * strides[axis])
    }
  }

  /// Carries the gradient back: `∂x` is the parts' gradients joined.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let parts = derivation.outputs.indices.map { derivation.gradient($0) }
    let axis = try axis.axis(ofRank: derivation.outputs[0].shape.count)
    let joined = derivation.append("Concat", parts, outputs: 1, attributes: ["axis": .int(axis)])
    return [joined[0]]
  }
}

extension Split: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .rearranged(data: [0])
  }

  /// The parts' extents, spelt out.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    let axis = try axis.axis(ofRank: removal.outputs[0].shape.count)
    let parts = removal.keptOutputs.map { $0[axis].count }
    guard takesExtents else {
      var attributes = removal.attributes
      attributes["split"] = .ints(parts)
      return ChannelAdjustment(attributes: attributes)
    }
    var attributes = removal.attributes
    attributes["num_outputs"] = nil
    return ChannelAdjustment(
      attributes: attributes, operands: [1: Tensor(parts.map(Int64.init))])
  }
}

extension Split: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .layout }

  /// Known for parts of channels.
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? {
    let listed = inputs.count > 1 ? inputs[1]?.integers.map { Int($0) } : nil
    return axis == 1 ? .parted(extents ?? listed) : nil
  }
}
