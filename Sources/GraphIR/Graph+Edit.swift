extension Graph {
  /// Sorts nodes so that each comes after those it depends on.
  ///
  /// Nodes otherwise keep their order.
  ///
  /// - Throws: ``GraphError/cycle(node:)``.
  public mutating func sortTopologically() throws {
    let links = Connectivity(self)
    var state = [UInt8](repeating: 0, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    for root in nodes.indices where state[root] == 0 {
      var stack: [(node: Int, next: Int, sources: [Int])] = [(root, 0, sources(of: root, links))]
      state[root] = 1
      while let top = stack.last {
        if top.next < top.sources.count {
          stack[stack.count - 1].next += 1
          let source = top.sources[top.next]
          if state[source] == 1 { throw GraphError.cycle(node: nodes[source].label) }
          guard state[source] == 0 else { continue }
          state[source] = 1
          stack.append((source, 0, sources(of: source, links)))
        } else {
          state[top.node] = 2
          order.append(top.node)
          stack.removeLast()
        }
      }
    }
    nodes = order.map { nodes[$0] }
  }

  private func sources(of index: Int, _ links: Connectivity) -> [Int] {
    nodes[index].reads.compactMap { links.producer[$0] }
  }

  /// Drops nodes and initializers that no graph output depends on.
  ///
  /// Initializers that are also graph inputs stay, because they are part of the interface.
  public mutating func removeDeadNodes() {
    var live = Set(outputs.map(\.name))
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: live.contains) {
      kept.append(node)
      live.formUnion(node.reads)
    }
    nodes = kept.reversed()
    let interface = Set(inputs.map(\.name))
    initializers.removeAll { !live.contains($0.key) && !interface.contains($0.key) }
    let made = Set(nodes.flatMap(\.outputs))
    valueTypes.removeAll { !made.contains($0.key) && initializers[$0.key] == nil }
  }

  /// Makes every reader of `old` read `new` instead, subgraphs included and graph outputs excepted.
  public mutating func replaceUses(of old: String, with new: String) {
    for index in nodes.indices where nodes[index].reads(old) {
      nodes[index] = nodes[index].renamingReads([old: new])
    }
  }
}
