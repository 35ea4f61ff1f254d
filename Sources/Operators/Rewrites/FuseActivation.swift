import GraphIR

/// Moves an activation into the convolution before it.
struct FuseActivation: GraphPass {
  let name = "fuse activations into convolutions"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let input = node.inputs.first, let source = links.producer[input],
        graph.nodes[source].isConvolution, links.soleConsumer(of: input) == index,
        graph.nodes[source].attributes["activation"] == nil,
        let function = graph.pointFunction(node, registry)
      else { continue }
      var convolution = graph.nodes[source].fused
      convolution.attributes.fuse(node.qualifiedType, function)
      convolution.outputs = [node.outputs[0]]
      graph.replace([source, index], with: convolution)
    }
    graph.dropEmptied()
  }
}

extension Graph {
  /// The attributes of the function of one number that a node is; `nil` for other nodes.
  fileprivate func pointFunction(_ node: Node, _ registry: OperatorRegistry) -> Attributes? {
    guard registry.type(of: node) is any PointFunction.Type,
      let rules = try? registry.makeOperator(for: node, in: self)
    else { return nil }
    return (rules as? any PointFunction)?.pointAttributes(node) { self[constant: $0] }
  }
}
