import GraphIR
import Tensors

/// Gives the values that the nodes of a network read, while the network is altered from its first
/// node to its last.
///
/// What crosses the place before the last node that was read is kept for all inputs, as long as it
/// takes no more than ``VariantRunner/memoryLimit``. So walking the whole network costs about one
/// run for each input.
public final class ProgressiveRunner {
  private let sections: NetworkSections
  private let inputs: any CalibrationSet
  private let engine: Engine
  private var kept: (position: Int, values: [[String: Tensor]])?

  /// A walk over a network.
  ///
  /// - Parameters:
  ///   - inputs: What the network runs on.
  /// - Throws: ``ExecutionError`` for inputs of unknown shape.
  public init(
    _ graph: Graph, inputs: any CalibrationSet, engine: Engine
  ) throws {
    sections = NetworkSections(
      graph, registry: engine.registry, inputs: try graph.concreteInputTypes(engine.inputShapes))
    (self.inputs, self.engine) = (inputs, engine)
  }

  /// Calls `body` for each input with a value that exists before a node.
  ///
  /// - Parameters:
  ///   - graph: The network as it is now: the nodes are those at the start, constants may differ.
  ///     Constants before the last node that was read are as they were then.
  ///   - node: The index of the node, never smaller than in the last call.
  /// - Throws: What sessions, the inputs and `body` throw.
  public func read(
    _ name: String, before node: Int, of graph: Graph, _ body: (Int, TensorView) throws -> Void
  ) throws {
    if try keep(upTo: node, graph), let kept {
      for (index, values) in kept.values.enumerated() {
        guard let value = values[name] else { continue }
        try withExtendedLifetime(value) { try body(index, value.view) }
      }
      return
    }
    let start = kept?.position ?? 0
    var part = graph
    part.nodes = Array(graph.nodes[..<node])
    part.outputs = [ValueInfo(name: name, type: .undeclared)]
    part.removeDeadNodes()
    guard let ready = kept == nil ? part : sections.rest(part, after: start) else {
      throw ExecutionError.unknownTap(name: name)
    }
    let session = ready.nodes.isEmpty ? nil : try session(ready, isWhole: kept == nil)
    for index in 0..<inputs.count {
      let known = try kept?.values[index] ?? inputs.feed(index)
      guard let value = try session?.outputs(for: known)[name] ?? known[name] else { continue }
      try withExtendedLifetime(value) { try body(index, value.view) }
    }
  }

  /// Moves the kept values on to a node; `false` where what crosses the place before it cannot be
  /// kept.
  private func keep(upTo node: Int, _ graph: Graph) throws -> Bool {
    let start = kept?.position ?? 0
    if kept != nil, start == node { return true }
    guard let bytes = sections.crossingBytes(node),
      bytes * inputs.count <= VariantRunner.memoryLimit,
      let segment = sections.segment(graph, from: start, to: node)
    else { return false }
    let names = Set(sections.crossing(node))
    let session = segment.outputs.isEmpty ? nil : try session(segment, isWhole: kept == nil)
    let values = try (0..<inputs.count).map { index in
      let known = try kept?.values[index] ?? inputs.feed(index)
      let found = try session?.outputs(for: known) ?? [:]
      return known.filter { names.contains($0.key) }.merging(found) { _, new in new }
    }
    kept = (node, values)
    return true
  }

  private func session(_ graph: Graph, isWhole: Bool) throws -> Session {
    var own = engine.options()
    if !isWhole { own.inputShapes = [:] }
    return try Session(graph, registry: engine.registry, options: own)
  }
}
