import GraphIR
import Tensors

/// Moves a `Pad` with zeros of the spatial axes into the convolution that reads it.
struct FoldPad: GraphPass {
  let name = "fold padding into convolutions"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for (index, pad) in graph.nodes.enumerated() where pad.qualifiedType == "Pad" {
      guard let output = pad.outputs.first, let reader = links.soleConsumer(of: output),
        graph.nodes[reader].qualifiedType == "Conv", graph.nodes[reader].inputs.first == output,
        try graph.nodes[reader].attributes.string("auto_pad", default: "NOTSET") == "NOTSET",
        let amounts = try amounts(pad, graph), amounts.count == 8,
        [0, 1, 4, 5].allSatisfy({ amounts[$0] == 0 }), amounts.allSatisfy({ $0 >= 0 })
      else { continue }
      var convolution = graph.nodes[reader]
      let own = try convolution.attributes.ints("pads") ?? [0, 0, 0, 0]
      guard own.count == 4 else { continue }
      convolution.inputs[0] = pad.inputs[0]
      convolution.attributes["pads"] = .ints(
        zip(own, [amounts[2], amounts[3], amounts[6], amounts[7]]).map(+))
      graph.replace([index, reader], with: convolution)
    }
    graph.dropEmptied()
  }

  /// The amounts before and after each axis, when they are constant and the filling is zero.
  private func amounts(_ pad: Node, _ graph: Graph) throws -> [Int]? {
    guard try pad.attributes.string("mode", default: "constant") == "constant" else { return nil }
    guard pad.inputs.count > 1 else {
      return try pad.attributes.float("value", default: 0) == 0
        ? try pad.attributes.ints("pads") : nil
    }
    if pad.inputs.count > 3, !pad.inputs[3].isEmpty { return nil }
    if pad.inputs.count > 2, !pad.inputs[2].isEmpty, graph.scalar(pad.inputs[2]) != 0 {
      return nil
    }
    return graph[constant: pad.inputs[1]]?.integers
  }
}
