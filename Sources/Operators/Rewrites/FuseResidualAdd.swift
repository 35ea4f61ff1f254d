import GraphIR

/// Moves the addition of a residual into the convolution that makes the other summand.
///
/// The residual must be made before the convolution runs; of two convolutions the later one takes
/// it.
struct FuseResidualAdd: GraphPass {
  let name = "fuse residual additions into convolutions"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for index in graph.nodes.indices {
      let sum = graph.nodes[index]
      guard sum.qualifiedType == "Add", sum.inputs.count == 2,
        sum.inputs[0] != sum.inputs[1],
        sum.inputs.allSatisfy({ graph[constant: $0] == nil })
      else { continue }
      let slots = [0, 1].sorted {
        (links.producer[sum.inputs[$0]] ?? -1) > (links.producer[sum.inputs[$1]] ?? -1)
      }
      guard let slot = slots.first, let source = links.producer[sum.inputs[slot]],
        graph.nodes[source].isConvolution,
        graph.nodes[source].qualifiedType != "compress.DequantizedConv",
        links.soleConsumer(of: sum.inputs[slot]) == index,
        try graph.nodes[source].attributes.string("residual", default: "none") == "none",
        graph.shapesAgree(sum.inputs[0], sum.inputs[1])
      else { continue }
      var convolution = graph.nodes[source].fused
      let hasActivation = convolution.attributes["activation"] != nil
      let hasKernel = (try? convolution.attributes.fusedFunction())?.activation != nil
      guard !hasActivation || hasKernel else { continue }
      convolution.attributes["residual"] = .string(hasActivation ? "after" : "before")
      while convolution.inputs.count < 3 { convolution.inputs.append("") }
      convolution.inputs = Array(convolution.inputs.prefix(3)) + [sum.inputs[1 - slot]]
      convolution.outputs = [sum.outputs[0]]
      graph.replace([source, index], with: convolution)
    }
    graph.dropEmptied()
  }
}

extension Graph {
  /// Whether two values are known to have the same shape.
  func shapesAgree(_ a: String, _ b: String) -> Bool {
    guard let first = valueTypes[a]?.type.concrete, let second = valueTypes[b]?.type.concrete
    else { return false }
    return first == second
  }
}
