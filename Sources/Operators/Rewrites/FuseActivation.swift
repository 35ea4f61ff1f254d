import GraphIR
import Kernels

/// Moves an activation into the convolution before it.
struct FuseActivation: GraphPass {
  let name = "fuse activations into convolutions"

  func run(on graph: inout Graph) throws {
    let links = Connectivity(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let input = node.inputs.first, let source = links.producer[input],
        graph.nodes[source].isConvolution, links.soleConsumer(of: input) == index,
        let activation = try activation(node, graph)
      else { continue }
      var convolution = graph.nodes[source].fused
      guard try convolution.attributes.string("activation", default: "Identity") == "Identity"
      else { continue }
      let named = activation.named
      convolution.attributes["activation"] = .string(named.name)
      convolution.attributes["activation_params"] = .floats(named.parameters)
      convolution.outputs = [node.outputs[0]]
      graph.replace([source, index], with: convolution)
    }
    graph.dropEmptied()
  }

  private func activation(_ node: Node, _ graph: Graph) throws -> Activation? {
    guard node.domain.isEmpty else { return nil }
    switch node.opType {
    case "Relu": return .relu
    case "Swish": return try node.attributes.float("alpha", default: 1) == 1 ? .silu : nil
    case "LeakyRelu": return .leakyRelu(slope: try node.attributes.float("alpha", default: 0.01))
    case "Sigmoid": return .sigmoid
    case "HardSwish": return .hardSwish
    case "HardSigmoid":
      return .hardSigmoid(
        alpha: try node.attributes.float("alpha", default: 0.2),
        beta: try node.attributes.float("beta", default: 0.5))
    case "Clip": return try clip(node, graph)
    default: return nil
    }
  }

  private func clip(_ node: Node, _ graph: Graph) throws -> Activation? {
    func bound(_ slot: Int, _ attribute: String, _ fallback: Float) throws -> Float? {
      if node.inputs.count > slot, !node.inputs[slot].isEmpty {
        return graph.scalar(node.inputs[slot])
      }
      return try node.attributes.float(attribute, default: fallback)
    }
    guard let lowest = try bound(1, "min", -.greatestFiniteMagnitude),
      let highest = try bound(2, "max", .greatestFiniteMagnitude)
    else { return nil }
    return .clip(lowest: lowest, highest: highest)
  }
}
