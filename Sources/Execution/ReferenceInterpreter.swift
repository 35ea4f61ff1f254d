import GraphIR
import Tensors

/// Evaluates a graph node by node, with nothing prepared, shared or fused: the reference for
/// ``Session``.
public struct ReferenceInterpreter {
  private let graph: Graph
  private let registry: OperatorRegistry

  /// An interpreter of `graph` with the operators of `registry`.
  public init(_ graph: Graph, registry: OperatorRegistry) {
    self.graph = graph.widened()
    self.registry = registry
  }

  /// The outputs, and any further values asked for.
  ///
  /// - Throws: `NodeError`; ``ExecutionError/missingInput(name:)``.
  public func run(_ feed: [String: Tensor], taps: [String] = []) throws -> [String: Tensor] {
    var values = graph.initializers.reduce(into: [String: Tensor]()) {
      $0[$1.key] = $1.value.tensor
    }
    for input in graph.inputs {
      if let tensor = feed[input.name] { values[input.name] = tensor }
      guard values[input.name] != nil else {
        throw ExecutionError.missingInput(name: input.name)
      }
    }
    let evaluation = NodeEvaluation(
      graph.properties, registry: registry, pool: ThreadPool(threads: 1))
    for node in graph.nodes {
      let outputs = try evaluation.evaluate(node) { values[$0] }
      for (name, tensor) in zip(node.outputs, outputs) { values[name] = tensor }
    }
    let wanted = graph.outputs.map(\.name) + taps
    return values.filter { wanted.contains($0.key) }
  }
}
