import GraphIR
import Tensors

/// Every node of a graph with what is known of its operands before the run.
///
/// Unlike a session it takes graphs with unknown operators, and keeps the nodes as they are. A node
/// that always computes the same is evaluated, so that its readers know the value, but it stays in
/// the graph.
public struct TypedGraph: Sendable {
  /// One node.
  public struct Entry: Sendable {
    /// Its index in the graph.
    public var index: Int
    /// Its rules; `nil` for an operator that the registry does not know.
    public var rules: (any Operator)?
    /// What is known of each input; `nil` for omitted ones and for values of unknown type.
    public var inputs: [Operand?]
    /// The types of the outputs; `nil` when only a run decides them, or the rules are unknown.
    public var outputs: [TensorType]?
    /// Whether the node always computes the same.
    public var isConstant: Bool
    /// The nodes of subgraphs that a session puts in the node's place, as far as that is known.
    public var inlined: [(node: Node, entry: Entry)] = []
  }

  /// The nodes, in order.
  public private(set) var entries: [Entry] = []
  /// What is known of each value.
  public private(set) var operands: [String: Operand] = [:]

  /// Walks a graph at the given input types.
  public init(_ graph: Graph, registry: OperatorRegistry, inputs: [(String, TensorType)]) {
    for (name, type) in inputs { operands[name] = Operand(type: type) }
    for (name, initializer) in graph.initializers {
      operands[name] = Operand(constant: initializer.tensor)
    }
    var folding = ConstantFolding(graph, pool: ThreadPool(threads: 1))
    var budget = InliningBudget(graph)
    func rules(_ node: Node) -> (any Operator)? { try? registry.makeOperator(for: node, in: graph) }
    for (index, node) in graph.nodes.enumerated() {
      var entry = visit(node, index, rules(node), &folding)
      guard let body = inlining(of: node, entry, &budget) else {
        entries.append(entry)
        continue
      }
      var pending = Array(body.reversed())
      while let inner = pending.popLast() {
        let part = visit(inner, index, rules(inner), &folding)
        if let body = inlining(of: inner, part, &budget) {
          pending += body.reversed()
        } else {
          entry.inlined.append((inner, part))
        }
      }
      describeOutputs(of: node, in: &entry)
      entries.append(entry)
    }
  }

  /// The nodes that take the place of a node with subgraphs; `nil` when only a run decides or it
  /// has no subgraphs.
  private mutating func inlining(
    of node: Node, _ entry: Entry, _ budget: inout InliningBudget
  ) -> [Node]? {
    guard let rules = entry.rules as? any SubgraphOperator,
      zip(node.inputs, entry.inputs).allSatisfy({ $0.isEmpty || $1 != nil }),
      let inlining = try? budget.inline(node, rules, inputs: entry.inputs)
    else { return nil }
    for (name, value) in inlining.constants { operands[name] = Operand(constant: value) }
    return inlining.nodes
  }

  /// Records what is known of a node's outputs, by name.
  private func describeOutputs(of node: Node, in entry: inout Entry) {
    let named = node.outputs.filter { !$0.isEmpty }
    guard named.allSatisfy({ operands[$0] != nil }) else { return }
    entry.outputs = node.outputs.map { operands[$0]?.type ?? TensorType(.float32, []) }
    entry.isConstant = named.allSatisfy { operands[$0]?.constant != nil }
  }

  private mutating func visit(
    _ node: Node, _ index: Int, _ rules: (any Operator)?, _ folding: inout ConstantFolding
  ) -> Entry {
    let inputs = node.inputs.map { $0.isEmpty ? nil : operands[$0] }
    var entry = Entry(index: index, rules: rules, inputs: inputs, outputs: nil, isConstant: false)
    guard let rules else { return entry }
    let given = zip(node.inputs, inputs).filter { !$0.0.isEmpty }.map(\.1)
    guard given.allSatisfy({ $0 != nil }) else { return entry }
    if let values = try? folding.values(of: rules, inputs) {
      entry.isConstant = true
      entry.outputs = values.map(\.type)
      for (name, value) in zip(node.outputs, values) { operands[name] = Operand(constant: value) }
    } else if let types = try? rules.checkedTypes(inputs) {
      entry.outputs = types
      for (name, type) in zip(node.outputs, types) { operands[name] = Operand(type: type) }
    }
    return entry
  }
}
