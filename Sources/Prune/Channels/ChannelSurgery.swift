import GraphIR
import Compression
import Tensors

/// Cuts groups of channels out of a graph.
///
/// Weights, biases, normalisations and other constants lose the removed channels along their axes.
/// Numbers about channels (shapes, extents of parts, bounds, indices, counts of groups) are
/// computed again by the operators' own rules. Unused nodes and constants are dropped. The result
/// computes what the whole graph computes when its readers see zeros in place of the removed
/// channels. ``ChannelProof`` checks this.
struct ChannelSurgery {
  private let coupling: ChannelCoupling
  private let removed: Set<Int>
  private var graph: Graph

  /// Prepares to remove groups.
  init(_ coupling: ChannelCoupling, removing removed: Set<Int>) {
    self.coupling = coupling
    self.removed = removed
    graph = coupling.graph
  }

  /// The graph without the groups.
  ///
  /// - Parameter weights: New values for constants before they are cut, of the same shapes.
  /// - Throws: ``PruningError/emptied(value:)`` when a value would lose all of its channels,
  ///   `NodeError` naming a node that cannot express what stays, ``GraphError``.
  static func cut(
    _ coupling: ChannelCoupling, removing removed: Set<Int>, weights: [String: Tensor] = [:]
  ) throws -> Graph {
    for (name, value) in coupling.trace.values {
      let stays = value.labels.contains { label in
        coupling.group(of: label).map { !removed.contains($0) } ?? true
      }
      guard stays else { throw PruningError.emptied(value: name) }
    }
    var surgery = ChannelSurgery(coupling, removing: removed)
    try surgery.adjustNodes()
    try surgery.cutConstants(weights)
    surgery.declareShapes()
    surgery.graph.removeDeadNodes()
    try surgery.graph.verify()
    return surgery.graph
  }

  private func stays(_ label: Int32) -> Bool {
    coupling.group(of: label).map { !removed.contains($0) } ?? true
  }

  private func kept(_ name: String) -> [[Int]]? {
    coupling.trace.values[name].map { $0.kept(stays) }
  }

  // MARK: Constants

  private mutating func cutConstants(_ weights: [String: Tensor]) throws {
    for (name, axes) in coupling.trace.claims.sorted(by: { $0.key < $1.key }) {
      guard let before = coupling.trace.typed.operands[name]?.constant else { continue }
      let kept = axes.mapValues { labels in labels.indices.filter { stays(labels[$0]) } }
        .filter { $0.value.count < before.shape[$0.key] }
      guard !kept.isEmpty || weights[name] != nil else { continue }
      try graph.setWeights(
        name, from: before, to: weights[name], keeping: kept, registry: coupling.registry)
      guard let index = graph.inputs.firstIndex(where: { $0.name == name }) else { continue }
      graph.inputs[index].type = graph[constant: name].map { ValueType($0.type) } ?? .undeclared
    }
  }

  // MARK: Nodes

  private mutating func adjustNodes() throws {
    for entry in coupling.trace.typed.entries where !entry.isConstant {
      guard let rules = entry.rules as? any ChannelOperator, let outputs = entry.outputs else {
        continue
      }
      let node = graph.nodes[entry.index]
      let removal = removal(around: node, entry.inputs, outputs)
      let isTouched =
        zip(removal.keptOutputs, outputs).contains { $0.map(\.count) != $1.shape }
        || zip(removal.keptInputs, entry.inputs).contains { kept, operand in
          kept.map { $0.map(\.count) != operand?.shape } ?? false
        }
      guard isTouched else { continue }
      do {
        apply(try rules.adjustment(for: removal), to: entry.index)
      } catch {
        throw NodeError(node: node.label, underlying: error)
      }
    }
  }

  private func removal(
    around node: Node, _ inputs: [Operand?], _ outputs: [TensorType]
  ) -> ChannelRemoval {
    ChannelRemoval(
      inputs: inputs, outputs: outputs, keptInputs: node.inputs.map { kept($0) },
      keptOutputs: zip(node.outputs, outputs).map { name, type in
        kept(name) ?? type.shape.map { Array(0..<$0) }
      }, attributes: node.attributes, opset: graph.properties.opsets[node.domain] ?? graph.opset)
  }

  private mutating func apply(_ adjustment: ChannelAdjustment, to index: Int) {
    if let attributes = adjustment.attributes { graph.nodes[index].attributes = attributes }
    for (input, tensor) in adjustment.operands.sorted(by: { $0.key < $1.key }) {
      while graph.nodes[index].inputs.count <= input { graph.nodes[index].inputs.append("") }
      let stem = graph.nodes[index].inputs[input]
      let name = graph.freshName(
        "\(stem.isEmpty ? graph.nodes[index].outputs[0] : stem)/\(input)")
      graph.nodes[index].inputs[input] = name
      graph[constant: name] = tensor
    }
  }

  /// Updates the declared shapes of intermediate values.
  private mutating func declareShapes() {
    for (name, info) in graph.valueTypes {
      guard case .tensor(let element, let shape?) = info.type, let kept = kept(name),
        kept.count == shape.count, let before = coupling.trace.values[name]?.shape
      else { continue }
      let dimensions = shape.indices.map { axis in
        kept[axis].count == before[axis] ? shape[axis] : .fixed(kept[axis].count)
      }
      graph.valueTypes[name]?.type = .tensor(element, shape: dimensions)
    }
    for name in coupling.trace.claims.keys { graph.valueTypes[name] = nil }
  }
}

/// A graph without some channels, and the graph it is compared with.
public struct ChannelCut: Sendable {
  /// The graph without the channels.
  public let graph: Graph
  /// The whole graph with zeros in place of the removed channels where they are read; see
  /// ``ChannelProof``.
  public let silenced: Graph

  /// A cut with the graph it is compared with.
  public init(graph: Graph, silenced: Graph) { (self.graph, self.silenced) = (graph, silenced) }
}

extension ChannelCoupling {
  /// Removes groups of channels.
  ///
  /// - Parameters:
  ///   - removed: Indices in ``groups``.
  ///   - weights: New values for constants, of the same shapes. They are set before anything is
  ///     cut.
  /// - Throws: ``PruningError/emptied(value:)`` when a value would lose all of its channels,
  ///   `NodeError` naming a node that cannot express what stays.
  public func removing(_ removed: Set<Int>, weights: [String: Tensor] = [:]) throws -> ChannelCut {
    ChannelCut(
      graph: try ChannelSurgery.cut(self, removing: removed, weights: weights),
      silenced: try ChannelProof.silenced(self, removing: removed, weights: weights))
  }
}
