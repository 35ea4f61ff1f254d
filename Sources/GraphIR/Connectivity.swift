/// The nodes that make and read each value of a graph, as it was when this was made.
public struct Connectivity: Sendable {
  /// The index of the node that makes a value; absent for inputs and initializers.
  public let producer: [String: Int]
  /// The indices of the nodes that read a value, ascending, once for each time it is read.
  public let consumers: [String: [Int]]
  /// The names of the graph's outputs.
  public let outputs: Set<String>

  /// Reads the links of `graph`, uses in subgraphs included.
  public init(_ graph: Graph) {
    var producer: [String: Int] = [:]
    var consumers: [String: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producer[output] = index }
      for name in node.reads { consumers[name, default: []].append(index) }
    }
    self.producer = producer
    self.consumers = consumers
    outputs = Set(graph.outputs.map(\.name))
  }

  /// The only node that reads `value`, when there is just one and it is not a graph output.
  public func soleConsumer(of value: String) -> Int? {
    guard let readers = consumers[value], readers.count == 1, !outputs.contains(value) else {
      return nil
    }
    return readers[0]
  }
}
