/// A graph that breaks a rule of well-formedness.
public enum GraphError: Error, Equatable, CustomStringConvertible {
  /// One value made twice.
  case duplicateValue(name: String, node: String)
  /// A node that reads a value which nothing before it makes.
  case undefinedValue(name: String, node: String)
  /// An output that nothing makes.
  case undefinedOutput(name: String)
  /// Nodes that depend on one another.
  case cycle(node: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .duplicateValue(let name, let node):
      "value '\(name)' is made twice, the second time by \(node)"
    case .undefinedValue(let name, let node):
      "\(node) reads value '\(name)', which nothing before it makes"
    case .undefinedOutput(let name): "graph output '\(name)' is made by no node"
    case .cycle(let node): "\(node) depends on its own output"
    }
  }
}

extension Graph {
  /// Checks that every value is made exactly once, before it is read, and that outputs exist.
  ///
  /// Initializers may also be graph inputs. Subgraphs may read what the graphs around them made
  /// before, and may reuse its names.
  ///
  /// - Throws: ``GraphError`` naming node and value of the first fault.
  public func verify() throws { try verify(within: []) }

  /// - Parameter scopes: The values made so far in each enclosing graph.
  private func verify(within scopes: [Set<String>]) throws {
    var made: Set<String> = []
    for input in inputs where !made.insert(input.name).inserted {
      throw GraphError.duplicateValue(name: input.name, node: "the list of graph inputs")
    }
    made.formUnion(initializers.keys)
    func isKnown(_ name: String) -> Bool {
      made.contains(name) || scopes.contains { $0.contains(name) }
    }
    for node in nodes {
      for input in node.inputs where !input.isEmpty && !isKnown(input) {
        throw GraphError.undefinedValue(name: input, node: node.label)
      }
      for subgraph in node.subgraphs { try subgraph.verify(within: scopes + [made]) }
      for output in node.outputs where !output.isEmpty {
        guard made.insert(output).inserted else {
          throw GraphError.duplicateValue(name: output, node: node.label)
        }
      }
    }
    for output in outputs where !isKnown(output.name) {
      throw GraphError.undefinedOutput(name: output.name)
    }
  }
}

extension AttributeValue {
  /// The graphs an attribute holds.
  public var subgraphs: [Graph] {
    switch self {
    case .graph(let graph): [graph]
    case .graphs(let graphs): graphs
    default: []
    }
  }
}
