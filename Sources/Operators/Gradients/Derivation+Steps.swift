import GraphIR
import Tensors

/// The nodes that many derivatives share, written for the operator set of the graph.
extension Derivation {
  /// The elements of a value under another shape.
  mutating func reshaped(_ value: String, to shape: [Int]) -> String {
    self(
      "Reshape", value, constant(Tensor(shape.map(Int64.init))),
      attributes: opset >= 14 ? ["allowzero": .int(1)] : [:])
  }

  /// A value with its axes in another order.
  mutating func transposed(_ value: String, _ permutation: [Int]) -> String {
    self("Transpose", value, attributes: ["perm": .ints(permutation)])
  }

  /// A value broadcast to a shape.
  mutating func expanded(_ value: String, to shape: [Int]) -> String {
    self("Expand", value, constant(Tensor(shape.map(Int64.init))))
  }

  /// The sum of a value along some axes, which stay with extent 1.
  mutating func summed(_ value: String, along axes: [Int]) -> String {
    guard !axes.isEmpty else { return value }
    if opset >= 13 {
      return self("ReduceSum", value, constant(Tensor(axes.map(Int64.init))))
    }
    return self("ReduceSum", value, attributes: ["axes": .ints(axes)])
  }

  /// The adjoint of broadcasting: the gradient of a value of shape `target` that was read as one of
  /// shape `shape`.
  mutating func folded(_ gradient: String, of shape: [Int], to target: [Int]) -> String {
    guard shape != target else { return gradient }
    let missing = shape.count - target.count
    let axes = shape.indices.filter { axis in
      axis < missing || target[axis - missing] == 1 && shape[axis] != 1
    }
    return reshaped(summed(gradient, along: axes), to: target)
  }

  /// The gradient of input `index`, which was broadcast to the output's shape.
  mutating func folded(_ gradient: String, toInput index: Int) throws -> String? {
    guard wants(index) else { return nil }
    return folded(gradient, of: outputs[0].shape, to: try type(index).shape)
  }

  /// A value cut along an axis.
  mutating func parts(_ value: String, axis: Int, extents: [Int]) -> [String] {
    guard extents.count > 1 else { return [value] }
    if opset >= 13 {
      return append(
        "Split", [value, constant(Tensor(extents.map(Int64.init)))], outputs: extents.count,
        attributes: ["axis": .int(axis)])
    }
    return append(
      "Split", [value], outputs: extents.count,
      attributes: ["axis": .int(axis), "split": .ints(extents)])
  }

  /// The product of two values of one shape, or broadcast.
  mutating func product(_ a: String, _ b: String) -> String { self("Mul", a, b) }

  /// A value times a number.
  mutating func scaled(_ value: String, by factor: Float) -> String {
    factor == 1 ? value : self("Mul", value, constant(factor))
  }
}

extension Derivation {
  /// The sum of a value `[N, C, …]` over all axes but the channels', `[C]`.
  mutating func summedOverChannels(_ value: String) -> String {
    self(ChannelSum.opType, domain: ChannelSum.domain, value)
  }

  /// The matrices in the last two axes, transposed.
  mutating func matrixTransposed(_ value: String, rank: Int) -> String {
    transposed(value, Array(0..<rank - 2) + [rank - 1, rank - 2])
  }

  /// The gradient of the weights of a convolution, see ``ConvolutionWeightGradient``.
  mutating func weightGradient(
    of gradient: String, input: String, placement: Attributes, shape: [Int]
  ) -> String {
    var attributes = placement
    attributes["shape"] = .ints(shape)
    return self(
      ConvolutionWeightGradient.opType, domain: ConvolutionWeightGradient.domain, gradient, input,
      attributes: attributes)
  }
}
