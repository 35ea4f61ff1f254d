import GraphIR

/// Turns `x · σ(x)` into one `Swish`, whatever the graph's operator set.
struct FuseSilu: GraphPass {
  let name = "fuse SiLU"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for index in graph.nodes.indices {
      let product = graph.nodes[index]
      guard product.qualifiedType == "Mul", product.inputs.count == 2 else {
        continue
      }
      for slot in 0..<2 {
        guard let gate = links.producer[product.inputs[slot]],
          graph.nodes[gate].qualifiedType == "Sigmoid",
          graph.nodes[gate].inputs == [product.inputs[1 - slot]],
          links.soleConsumer(of: product.inputs[slot]) == index
        else { continue }
        graph.replace(
          [gate, index],
          with: Node(
            "Swish", name: product.name, inputs: [product.inputs[1 - slot]],
            outputs: product.outputs))
        break
      }
    }
    graph.dropEmptied()
  }
}
