import GraphIR

/// Removes nodes that hand their input on unchanged: `Identity`, and `Dropout` as it is outside training.
struct RemoveIdentities: GraphPass {
  let name = "remove identities"

  func run(on graph: inout Graph) throws {
    let outputs = Set(graph.outputs.map(\.name))
    var sources: [String: String] = [:]
    graph.nodes.removeAll { node in
      let isIdentity =
        node.domain.isEmpty && (node.opType == "Identity" || node.opType == "Dropout")
      guard isIdentity, let input = node.inputs.first, let output = node.outputs.first,
        !outputs.contains(output), node.outputs.dropFirst().allSatisfy(\.isEmpty)
      else { return false }
      sources[output] = sources[input] ?? input
      return true
    }
    for index in graph.nodes.indices {
      graph.nodes[index].inputs = graph.nodes[index].inputs.map { sources[$0] ?? $0 }
    }
  }
}
