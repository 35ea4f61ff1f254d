import GraphIR
import Tensors

/// Folds a `Mul` or `Add` by one constant a channel, or one for all, into the convolution before
/// it.
struct FoldChannelAffine: GraphPass {
  let name = "fold channel scales and shifts"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard ["Mul", "Add"].contains(node.qualifiedType), node.inputs.count == 2,
        let (value, constant) = split(node, graph),
        let source = links.producer[value], graph.nodes[source].qualifiedType == "Conv",
        graph.nodes[source].outputs.first == value, links.soleConsumer(of: value) == index,
        let weights = graph[constant: graph.nodes[source].inputs[1]], weights.shape.count == 4,
        constant.shape.count <= 4,
        let factors = constant.numbers(along: 3, count: weights.shape[0])?.map(Double.init)
      else { continue }
      let isScale = node.qualifiedType == "Mul"
      let ones = [Double](repeating: isScale ? 0 : 1, count: factors.count)
      try graph.scaleOutputs(
        of: source, into: index, by: isScale ? factors : ones, shift: isScale ? ones : factors)
    }
    graph.dropEmptied()
  }

  private func split(_ node: Node, _ graph: Graph) -> (String, Tensor)? {
    if let constant = graph[constant: node.inputs[1]] { return (node.inputs[0], constant) }
    return graph[constant: node.inputs[0]].map { (node.inputs[1], $0) }
  }
}
