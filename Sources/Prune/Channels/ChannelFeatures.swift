import Execution
import GraphIR
import Tensors

/// The normalisation and the activation behind a layer.
struct ChannelFeatures {
  /// The value behind normalisation and activation.
  var feature: String
  /// The constant that holds γ of the batch normalisation behind the layer.
  var scales: String?

  /// Follows the output of a layer through operators that treat each channel separately.
  init(of output: String, in graph: Graph, _ links: Connectivity, _ trace: ChannelTrace) {
    feature = output
    while let next = Self.next(feature, graph, links, trace) {
      let node = graph.nodes[next.node]
      if node.qualifiedType == "BatchNormalization", scales == nil, node.inputs.count == 5 {
        scales = node.inputs[1]
      }
      feature = next.output
    }
  }

  /// The next value, when only one node reads this one, or only a gate and the product with it do.
  private static func next(
    _ value: String, _ graph: Graph, _ links: Connectivity, _ trace: ChannelTrace
  ) -> (node: Int, output: String)? {
    guard let readers = links.consumers[value], !links.outputs.contains(value) else { return nil }
    let unique = Array(Set(readers)).sorted()
    if unique.count == 1, isByItself(unique[0], graph, trace) {
      return (unique[0], graph.nodes[unique[0]].outputs[0])
    }
    // x · σ(x): a gate that only the product reads.
    guard unique.count == 2, isByItself(unique[0], graph, trace),
      let gate = graph.nodes[unique[0]].outputs.first,
      links.soleConsumer(of: gate) == unique[1], graph.nodes[unique[1]].qualifiedType == "Mul",
      Set(graph.nodes[unique[1]].inputs) == [value, gate]
    else { return nil }
    return (unique[1], graph.nodes[unique[1]].outputs[0])
  }

  /// Whether a node maps each channel of one value separately and keeps the shape.
  private static func isByItself(_ index: Int, _ graph: Graph, _ trace: ChannelTrace) -> Bool {
    let entry = trace.typed.entries[index]
    guard let rules = entry.rules as? any ChannelOperator, let outputs = entry.outputs,
      let flow = rules.channelFlow(inputs: entry.inputs, outputs: outputs)
    else { return false }
    let open = entry.inputs.filter { $0 != nil && $0?.constant == nil }
    guard open.count == 1, open[0]?.shape == outputs.first?.shape else { return false }
    switch flow {
    case .aligned: return true
    case .perChannel: return graph.nodes[index].qualifiedType == "BatchNormalization"
    default: return false
    }
  }
}
