import GraphIR
import Tensors

/// An output that holds what the rounds of a loop make, along an axis of its own.
struct RoundOutput {
  /// What the body says of one round's.
  let declared: ValueInfo
  var axis = 0
  /// Whether the last round's comes first.
  var isReversed = false

  /// The type of no round's, extents that nobody declared being 0.
  private func emptyType() throws -> TensorType {
    guard case .tensor(let element, let shape) = declared.type else {
      throw OperatorError.unsupported("no rounds of a body whose outputs' types are not declared")
    }
    var extents = (shape ?? []).map { $0.extent ?? 0 }
    extents.insert(0, at: try axis.axis(ofRank: extents.count + 1))
    return try TensorType(checking: element, extents)
  }

  /// Appends the node that makes the output of what the rounds made, in order.
  func inline(
    _ values: [String], as output: String, opset: Int, _ inlining: inout Inlining
  ) throws {
    guard !output.isEmpty else { return }
    guard !values.isEmpty else {
      let nothing = inlining.constant(Tensor(zeros: try emptyType()))
      return inlining.append(Node("Identity", inputs: [nothing], outputs: [output]))
    }
    let axes = inlining.constant(Tensor([Int64(axis)]))
    let parts = (isReversed ? values.reversed() : values).map { value in
      opset >= 13
        ? inlining("Unsqueeze", value, axes)
        : inlining("Unsqueeze", value, attributes: ["axes": .ints([axis])])
    }
    inlining.append(
      Node("Concat", inputs: parts, outputs: [output], attributes: ["axis": .int(axis)]))
  }

  /// The output of what the rounds made, in order.
  func stacked(_ values: [Tensor], pool: ThreadPool) throws -> Tensor {
    guard let first = values.first else { return Tensor(zeros: try emptyType()) }
    let axis = try axis.axis(ofRank: first.shape.count + 1)
    var shape = first.shape
    shape.insert(1, at: axis)
    guard values.allSatisfy({ $0.type == first.type }) else {
      throw OperatorError.incompatible(
        values.map(\.shape), reason: "come from rounds and cannot be stacked")
    }
    let extents = Tensor(shape.map { Int64($0) })
    let reshape = try Reshape(attributes: ["allowzero": .int(1)], opset: 14)
    let parts = try (isReversed ? values.reversed() : values).map {
      try reshape.evaluate([$0, extents], pool: pool)[0]
    }
    return try Concat(attributes: ["axis": .int(axis)], opset: 13).evaluate(parts, pool: pool)[0]
  }
}
