import GraphIR
import OrderedCollections
import Tensors

/// A graph for concrete input shapes: constants folded, every node with its operator and types.
struct SpecializedGraph {
  /// One node with what is known about it.
  struct Step {
    var node: Node
    var rules: any Operator
    /// `nil` for omitted inputs and, in the dynamic tail, for inputs of unknown type.
    var inputs: [Operand?]
    /// The types of the outputs; `nil` when only the run decides them.
    var outputs: [TensorType]?

    /// The name of an output; a generated one where the node leaves it unnamed.
    func value(_ slot: Int, of step: Int) -> String {
      let name = node.outputs[slot]
      return name.isEmpty ? "\(SpecializedGraph.unnamed)\(step).\(slot)" : name
    }
  }

  /// The prefix of generated names for unnamed outputs; names of the model must not begin with it.
  private static let unnamed = "\0"
  /// The largest constant that folding may make out of smaller ones.
  private static let foldingLimit = 64 << 20

  private(set) var graph: Graph
  private(set) var steps: [Step] = []
  private(set) var types: [String: TensorType]
  let inputs: [(String, TensorType)]
  private let registry: OperatorRegistry
  private var folding: ConstantFolding

  init(
    _ graph: Graph, registry: OperatorRegistry, inputs: [(String, TensorType)],
    passes: [any GraphPass], pool: ThreadPool
  ) throws {
    self.graph = graph.widened()
    self.registry = registry
    self.inputs = inputs
    folding = ConstantFolding(graph, pool: pool)
    if let (name, _) = inputs.first(where: { $0.0.hasPrefix(Self.unnamed) }) {
      throw ExecutionError.unusableName(name: name)
    }
    types = Dictionary(inputs, uniquingKeysWith: { $1 })
    self.graph.inputs.removeAll { graph.initializers[$0.name] != nil }
    self.graph.removeDeadNodes()
    try walk(foldsAll: passes.isEmpty)
    guard !passes.isEmpty else { return }
    for (name, type) in types {
      self.graph.valueTypes[name] = ValueInfo(name: name, type: ValueType(type))
    }
    for pass in passes { try pass.run(on: &self.graph, registry: registry) }
    self.graph.removeDeadNodes()
    steps = []
    types = Dictionary(inputs, uniquingKeysWith: { $1 })
    try walk(foldsAll: true)
  }

  /// Releases the constants of a step that its kernel has packed and that no later step reads.
  mutating func releaseConstants(of index: Int, slots: [Int]) {
    let inputs = steps[index].node.inputs
    for slot in slots where inputs.indices.contains(slot) {
      let name = inputs[slot]
      guard graph.initializers[name] != nil, !graph.outputs.contains(where: { $0.name == name }),
        steps.indices.allSatisfy({ $0 == index || !steps[$0].node.reads(name) }),
        inputs.indices.allSatisfy({ inputs[$0] != name || slots.contains($0) })
      else { continue }
      graph.initializers[name] = nil
      steps[index].inputs[slot]?.constant = nil
    }
  }

  /// Infers types in order, turns constant nodes into initializers, and replaces nodes with
  /// subgraphs by the nodes of these where possible.
  private mutating func walk(foldsAll: Bool) throws {
    var kept: [Node] = []
    var budget = InliningBudget(graph)
    var pending = Array(graph.nodes.reversed())
    while let node = pending.popLast() {
      let rules = try registry.makeOperator(for: node, in: graph)
      do {
        if let name = node.outputs.first(where: { $0.hasPrefix(Self.unnamed) }) {
          throw ExecutionError.unusableName(name: name)
        }
        let operands = node.inputs.map(operand)
        let isKnown = zip(node.inputs, operands).allSatisfy { $0.isEmpty || $1 != nil }
        if let rules = rules as? any SubgraphOperator {
          if isKnown, let inlining = try budget.inline(node, rules, inputs: operands) {
            for (name, tensor) in inlining.constants {
              graph.initializers[name] = Initializer(tensor)
            }
            pending += inlining.nodes.reversed()
            continue
          }
        } else if foldsAll || !rules.foldsLate, let constants = try fold(node, rules, operands) {
          for (name, tensor) in zip(node.outputs, constants) where !name.isEmpty {
            graph.initializers[name] = Initializer(tensor)
          }
          continue
        }
        kept.append(node)
        let outputs = isKnown ? try rules.checkedTypes(operands) : nil
        for (name, type) in zip(node.outputs, outputs ?? []) { types[name] = type }
        steps.append(Step(node: node, rules: rules, inputs: operands, outputs: outputs))
      } catch let error where !(error is NodeError) {
        throw NodeError(node: node.label, underlying: error)
      }
    }
    graph.nodes = kept
    graph.removeDeadNodes()
    let live = Set(graph.nodes.flatMap(\.outputs))
    steps.removeAll { !$0.node.outputs.contains(where: live.contains) }
  }

  private func operand(_ name: String) -> Operand? {
    if name.isEmpty { return nil }
    if let constant = graph.initializers[name]?.tensor { return Operand(constant: constant) }
    return types[name].map { Operand(type: $0) }
  }

  private mutating func fold(
    _ node: Node, _ rules: any Operator, _ operands: [Operand?]
  ) throws -> [Tensor]? {
    let isKnown = zip(node.inputs, operands).allSatisfy { $0.isEmpty || $1 != nil }
    return isKnown
      ? try folding.values(of: rules, operands, largest: Self.foldingLimit) : nil
  }
}
