import OrderedCollections

extension Graph {
  /// The names that nodes and outputs read and that nothing in the graph makes, each once, in
  /// order.
  ///
  /// Those of a subgraph are values of the graphs around it.
  public var freeNames: [String] {
    var made = Set(inputs.map(\.name))
    made.formUnion(initializers.keys)
    var free: OrderedSet<String> = []
    for node in nodes {
      for name in node.reads where !made.contains(name) { free.append(name) }
      made.formUnion(node.outputs)
    }
    for output in outputs where !made.contains(output.name) { free.append(output.name) }
    return Array(free)
  }

  /// The names of all values that the graph and its subgraphs make or take.
  var madeNames: Set<String> {
    var names = Set(initializers.keys).union(inputs.map(\.name))
    for node in nodes {
      names.formUnion(node.outputs)
      for subgraph in node.subgraphs { names.formUnion(subgraph.madeNames) }
    }
    return names
  }

  /// The graph with new names for the values that it reads from the graphs around it.
  func renamingFreeNames(_ names: [String: String]) -> Graph {
    var (result, names) = (self, names)
    for input in inputs { names[input.name] = nil }
    for name in initializers.keys { names[name] = nil }
    for index in nodes.indices {
      result.nodes[index] = nodes[index].renamingReads(names)
      for output in nodes[index].outputs { names[output] = nil }
    }
    for index in outputs.indices {
      result.outputs[index].name = names[outputs[index].name] ?? outputs[index].name
    }
    return result
  }
}

extension Node {
  /// The graphs in the node's attributes.
  public var subgraphs: [Graph] { attributes.graphs }

  /// The values of the graph around the node that its subgraphs read.
  public var capturedNames: [String] { subgraphs.flatMap(\.freeNames) }

  /// The values that the node reads, those that its subgraphs read included.
  public var reads: [String] {
    let own = inputs.filter { !$0.isEmpty }
    return attributes.holdGraphs ? own + capturedNames : own
  }

  /// Whether the node or a subgraph of it reads a value.
  public func reads(_ name: String) -> Bool {
    inputs.contains(name) || attributes.holdGraphs && capturedNames.contains(name)
  }

  /// The node with new names for the values that it and its subgraphs read.
  public func renamingReads(_ names: [String: String]) -> Node {
    var result = self
    result.inputs = inputs.map { names[$0] ?? $0 }
    guard attributes.holdGraphs else { return result }
    for (name, value) in attributes.elements {
      switch value {
      case .graph(let graph): result.attributes[name] = .graph(graph.renamingFreeNames(names))
      case .graphs(let graphs):
        result.attributes[name] = .graphs(graphs.map { $0.renamingFreeNames(names) })
      default: continue
      }
    }
    return result
  }
}
