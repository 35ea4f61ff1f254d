import Tensors

/// An operator whose nodes hold graphs (`If`, `Loop`).
///
/// Where the condition or the number of iterations is known before the run, nodes of the subgraphs
/// take the node's place. Otherwise the run evaluates the subgraphs. They may read the values of
/// the graph around them, so a node alone cannot be evaluated.
public protocol SubgraphOperator: Operator {
  /// Writes what takes the node's place.
  ///
  /// - Returns: Whether the node was replaced; `false` when only the run decides.
  /// - Throws: ``OperatorError`` when the inputs do not fit.
  func inline(_ inlining: inout Inlining) throws -> Bool

  /// Computes the outputs by running the subgraphs.
  func evaluate(_ inputs: [Tensor?], running run: SubgraphRun) throws -> [Tensor]
}

/// Runs a subgraph of a node on arguments, one for each of its inputs, and returns its outputs.
public typealias SubgraphRun = (_ body: Graph, _ arguments: [Tensor]) throws -> [Tensor]

extension SubgraphOperator {
  /// The types are known only in the run.
  public func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? { nil }

  /// Refused: the subgraphs must be run.
  public func forward(_ call: OperatorCall) throws {
    throw OperatorError.unsupported("a run without the graph around it")
  }
}

/// One node being replaced by nodes of its subgraphs.
public struct Inlining {
  /// The node.
  public let node: Node
  /// What is known of each input; `nil` for an omitted optional one.
  public let inputs: [Operand?]
  /// The nodes that take its place, in order.
  public private(set) var nodes: [Node] = []
  /// The new constants that these nodes read.
  public private(set) var constants: [String: Tensor] = [:]
  private let prefix: String
  private var copies = 0

  /// The replacement of a node; names of new values start with `prefix`.
  public init(node: Node, inputs: [Operand?], prefix: String) {
    (self.node, self.inputs, self.prefix) = (node, inputs, prefix)
  }

  /// A constant of the graph.
  public mutating func constant(_ tensor: Tensor) -> String {
    let name = "\(prefix)/c\(constants.count)"
    constants[name] = tensor
    return name
  }

  /// Appends a node.
  public mutating func append(_ node: Node) { nodes.append(node) }

  /// Appends the node that makes an output of the replaced node from a value.
  ///
  /// An output without a name is not made.
  public mutating func set(output index: Int, to value: String) {
    guard node.outputs.indices.contains(index), !node.outputs[index].isEmpty else { return }
    append(Node("Identity", inputs: [value], outputs: [node.outputs[index]]))
  }

  /// Appends a node with one output and returns that.
  public mutating func callAsFunction(
    _ opType: String, _ inputs: String..., attributes: Attributes = [:]
  ) -> String {
    let name = "\(prefix)/n\(nodes.count)"
    append(Node(opType, inputs: inputs, outputs: [name], attributes: attributes))
    return name
  }

  /// A subgraph whose constants have become constants of the graph around it.
  public mutating func hoisted(_ body: Graph) -> Graph {
    guard !body.initializers.isEmpty else { return body }
    var names: [String: String] = [:]
    for (name, initializer) in body.initializers { names[name] = constant(initializer.tensor) }
    var result = body
    result.inputs = body.inputs
    result.initializers = [:]
    return result.renamingFreeNames(names)
  }

  /// Appends the nodes of a subgraph under names of their own.
  ///
  /// - Parameter arguments: The values of its inputs.
  /// - Returns: The values that are its outputs.
  /// - Throws: ``OperatorError/unsupported(_:)`` when it takes another number of inputs.
  public mutating func copy(_ body: Graph, arguments: [String]) throws -> [String] {
    guard body.inputs.count == arguments.count else {
      throw OperatorError.unsupported(
        "a subgraph of \(body.inputs.count) inputs where \(arguments.count) are given")
    }
    var body = hoisted(body)
    body.removeDeadNodes()
    copies += 1
    var names: [String: String] = [:]
    for (input, argument) in zip(body.inputs, arguments) { names[input.name] = argument }
    for inner in body.nodes {
      var copy = inner.renamingReads(names)
      if !inner.name.isEmpty, !node.name.isEmpty { copy.name = "\(node.name)/\(inner.name)" }
      for slot in inner.outputs.indices where !inner.outputs[slot].isEmpty {
        let name = "\(prefix)/\(copies)/\(inner.outputs[slot])"
        names[inner.outputs[slot]] = name
        copy.outputs[slot] = name
      }
      nodes.append(copy)
    }
    return body.outputs.map { names[$0.name] ?? $0.name }
  }
}

/// How far nodes with subgraphs are replaced by nodes in one walk over a graph, and under which
/// names.
public struct InliningBudget {
  /// The largest number of nodes and inputs of nodes that are written; the rest is left to the run.
  public static let nodes = 1 << 13

  private var remaining = Self.nodes
  private let root: String
  private var count = 0

  /// A budget for a graph.
  ///
  /// New names differ from all of the graph's.
  public init(_ graph: Graph) {
    guard graph.nodes.contains(where: { !$0.subgraphs.isEmpty }) else {
      root = "inlined"
      return
    }
    let taken = graph.madeNames.filter { $0.hasPrefix("inlined") }
    root =
      (0...).lazy.map { $0 == 0 ? "inlined" : "inlined_\($0)" }.first { root in
        !taken.contains { $0.hasPrefix(root + "/") }
      } ?? "inlined"
  }

  /// What takes a node's place; `nil` when only the run decides, or when the budget is exceeded.
  public mutating func inline(
    _ node: Node, _ rules: any SubgraphOperator, inputs: [Operand?]
  ) throws -> Inlining? {
    guard remaining > 0 else { return nil }
    var inlining = Inlining(node: node, inputs: inputs, prefix: "\(root)/\(count)")
    guard try rules.inline(&inlining) else { return nil }
    // A node left for the rest of a loop only lists the values of finished iterations, so its
    // inputs cost less.
    let cost = inlining.nodes.reduce(0) {
      $0 + 1 + ($1.subgraphs.isEmpty ? $1.inputs.count : $1.inputs.count / 64)
    }
    guard cost <= remaining else { return nil }
    remaining -= cost
    count += 1
    return inlining
  }
}
