import GraphIR
import Tensors

/// Evaluates nodes one by one, those of subgraphs included, without preparing kernels or sharing
/// memory.
final class NodeEvaluation {
  /// The largest number of nodes of subgraphs that are evaluated, so that an endless loop is an
  /// error.
  private static let limit = 1 << 18

  private let registry: OperatorRegistry
  /// An empty graph with the model's operator sets.
  private var model = Graph()
  private let pool: ThreadPool
  /// Throws where a node's outputs would take more memory than there is.
  private let grant: (any Operator, [Tensor?]) throws -> Void
  private var evaluated = 0

  /// An evaluation of nodes of a model with the given properties.
  ///
  /// - Parameter grant: Called before each node; throws where its outputs may not be made.
  init(
    _ properties: ModelProperties, registry: OperatorRegistry, pool: ThreadPool,
    grant: @escaping (any Operator, [Tensor?]) throws -> Void = { _, _ in }
  ) {
    self.registry = registry
    model.properties.opsets = properties.opsets
    (self.pool, self.grant) = (pool, grant)
  }

  /// The outputs of one node.
  ///
  /// - Parameter value: The values that the node and its subgraphs may read.
  func evaluate(_ node: Node, value: (String) -> Tensor?) throws -> [Tensor] {
    let rules = try registry.makeOperator(for: node, in: model)
    do {
      return try evaluate(node, rules, value: value)
    } catch let error where !(error is NodeError) {
      throw NodeError(node: node.label, underlying: error)
    }
  }

  /// The outputs of one node by its rules.
  func evaluate(
    _ node: Node, _ rules: any Operator, value: (String) -> Tensor?
  ) throws -> [Tensor] {
    let inputs = node.inputs.map { $0.isEmpty ? nil : value($0) }
    if let rules = rules as? any SubgraphOperator {
      let captured = node.capturedNames.reduce(into: [:]) { $0[$1] = value($1) }
      return try rules.evaluate(inputs) { body, arguments in
        try run(body, arguments) { captured[$0] }
      }
    }
    if let shaped = rules as? any ShapeOperator {
      return try shaped.evaluate(types: inputs.map { $0?.type })
    }
    try grant(rules, inputs)
    return try rules.evaluate(inputs, pool: pool)
  }

  private func run(
    _ body: Graph, _ arguments: [Tensor], outer: (String) -> Tensor?
  ) throws -> [Tensor] {
    guard body.inputs.count == arguments.count else {
      throw OperatorError.unsupported(
        "a subgraph of \(body.inputs.count) inputs where \(arguments.count) are given")
    }
    var values = body.initializers.reduce(into: [String: Tensor]()) { $0[$1.key] = $1.value.tensor }
    for name in body.freeNames { values[name] = outer(name) }
    for (input, argument) in zip(body.inputs, arguments) { values[input.name] = argument }
    evaluated += 1
    for node in body.nodes {
      evaluated += 1
      guard evaluated <= Self.limit else {
        throw OperatorError.unsupported("loops of more than \(Self.limit) nodes in one run")
      }
      let outputs = try evaluate(node) { values[$0] }
      for (name, tensor) in zip(node.outputs, outputs) { values[name] = tensor }
    }
    return try body.outputs.map { output in
      guard let tensor = values[output.name] else {
        throw ExecutionError.missingInput(name: output.name)
      }
      return tensor
    }
  }
}
