import GraphIR
import Tensors

extension FactorizedNetwork {
  /// The original network with the product of each chain's stages as weights, and the constants
  /// that refitting added.
  ///
  /// A factorised file must compute the same function.
  ///
  /// - Parameters:
  ///   - source: The network that was factorised.
  ///   - layers: The layers that were replaced in it.
  public func multipliedOut(
    into source: Graph, _ layers: [(layer: FactorizableLayer, factors: LayerFactors)]
  ) -> Graph {
    var result = source
    var names = FreshNames(source)
    var added: [(after: Int, node: Node)] = []
    for (chain, (layer, factors)) in zip(chains, layers) {
      let matrix = layer.multipliedOut(stored(chain, layer, factors))
      let weight = names.value("\(layer.weight)/product")
      result[constant: weight] = tensor(matrix, layer, source)
      for (use, values) in zip(layer.uses, chain.values) {
        result.nodes[use.node].inputs[1] = weight
        guard let bias = constants(behind: values.last ?? "", chain) else { continue }
        let name = names.value("\(layer.weight)/constants")
        result[constant: name] = bias
        for factor in ["alpha", "beta"] { result.nodes[use.node].attributes[factor] = nil }
        let rules = registry.weighted(source.nodes[use.node], in: source)
        if rules?.biasInput == nil {
          let (output, product) = (source.nodes[use.node].outputs[0], names.value(name))
          result.nodes[use.node].outputs[0] = product
          added.append((use.node, Node("Add", inputs: [product, name], outputs: [output])))
        } else {
          result.nodes[use.node].inputs = Array(result.nodes[use.node].inputs.prefix(2)) + [name]
        }
      }
    }
    for (after, node) in added.sorted(by: { $0.after > $1.after }) {
      result.nodes.insert(node, at: after + 1)
    }
    return result
  }

  /// The factors with the network's weights, refitted ones included.
  private func stored(
    _ chain: Chain, _ layer: FactorizableLayer, _ factors: LayerFactors
  ) -> LayerFactors {
    var own = factors
    for (index, stage) in factors.stages.enumerated() {
      guard let tensor = graph[constant: chain.weights[index]] else { continue }
      let isTransposed = layer.kind == .product && tensor.shape == [stage.inputs, stage.outputs]
      let reader = graph.nodes.first { $0.inputs.contains(chain.weights[index]) }
      let keeps = reader?.transposesWeights(in: graph, registry) == true
      own.weights[index] = isTransposed && !keeps ? tensor.transposedFloats : tensor.floats
    }
    return own
  }

  /// A layer's weights as its nodes read them.
  private func tensor(_ matrix: [Float], _ layer: FactorizableLayer, _ source: Graph) -> Tensor {
    let plain = Tensor(matrix, shape: [layer.outputs, layer.inputs] + layer.kernel)
    guard layer.kind == .product else { return plain }
    let node = source.nodes[layer.uses[0].node]
    return node.transposesWeights(in: source, registry)
      ? plain : Tensor(plain.transposedFloats, shape: [layer.inputs, layer.outputs])
  }

  /// The constants that refitting added to the outputs of a last stage, in the order of the layer's
  /// channels.
  private func constants(behind value: String, _ chain: Chain) -> Tensor? {
    guard let node = graph.nodes.first(where: { $0.outputs.first == value }),
      let name = node.inputs.first(where: chain.constants.contains),
      let tensor = graph[constant: name]
    else { return nil }
    guard let order = chain.outputOrder else { return tensor }
    let values = tensor.floats
    return Tensor(order.map { values[$0] })
  }
}

extension Node {
  /// Whether a matrix product reads its weights transposed, as `[outputs, inputs]`.
  func transposesWeights(in graph: Graph, _ registry: OperatorRegistry) -> Bool {
    registry.weighted(self, in: graph)?.arithmetic
      == .product(transposesA: false, transposesB: true)
  }
}
