import Compression
import GraphIR
import Tensors

/// A network in which some layers are replaced by their factors.
public struct FactorizedNetwork: Sendable {
  /// The stages of one layer in the network.
  public struct Chain: Sendable {
    /// The constant that held the layer's weights.
    public var weight: String
    /// What its nodes compute.
    public var kind: FactorizableLayer.Kind
    /// The names of the stages' weights.
    public var weights: [String]
    /// For each use of the layer, the outputs of its stages.
    public var values: [[String]]
    /// The indices of the output channels in the last stage's output; `nil` for their own order.
    public var outputOrder: [Int]?
    /// The constants that refitting added to the last stage of each use; empty where there are
    /// none.
    var constants: Set<String> = []
  }

  /// The network.
  public private(set) var graph: Graph
  /// Its chains, in the order of the layers given.
  public private(set) var chains: [Chain] = []
  /// The known operators.
  let registry: OperatorRegistry
  private var names: FreshNames

  /// Replaces layers.
  ///
  /// The last stage keeps the node's name, its bias and its output. Strides, padding and dilation
  /// go to the stages that have the layer's window. Weights are named like the layer's, with the
  /// stage's name behind.
  ///
  /// - Parameter registry: The known operators.
  public init(
    _ graph: Graph, replacing layers: [(layer: FactorizableLayer, factors: LayerFactors)],
    registry: OperatorRegistry
  ) {
    (self.graph, self.registry) = (graph, registry)
    names = FreshNames(graph)
    var replacements: [Int: [Node]] = [:]
    for (layer, factors) in layers {
      var chain = Chain(
        weight: layer.weight, kind: layer.kind, weights: [], values: [],
        outputOrder: factors.outputOrder)
      for (stage, values) in zip(factors.stages, factors.weights) {
        let name = names.value("\(layer.weight)/\(stage.name)")
        self.graph[constant: name] = tensor(
          stage, values, layer, isLast: chain.weights.count == factors.stages.count - 1)
        chain.weights.append(name)
      }
      for use in layer.uses {
        let (nodes, values) = nodes(for: use, layer, factors, chain.weights)
        replacements[use.node] = nodes
        chain.values.append(values)
      }
      chains.append(chain)
    }
    self.graph.nodes = graph.nodes.enumerated().flatMap { replacements[$0.offset] ?? [$0.element] }
    self.graph.removeDeadNodes()
  }

  /// The tensor of a stage's weights as its node reads it.
  private func tensor(
    _ stage: FactorStage, _ values: [Float], _ layer: FactorizableLayer, isLast: Bool
  ) -> Tensor {
    let plain = Tensor(values, shape: stage.shape)
    guard layer.kind == .product else { return plain }
    let last = graph.nodes[layer.uses[0].node]
    return isLast && last.transposesWeights(in: graph, registry)
      ? plain : Tensor(plain.transposedFloats, shape: [stage.inputs, stage.outputs])
  }

  private mutating func nodes(
    for use: FactorizableLayer.Use, _ layer: FactorizableLayer, _ factors: LayerFactors,
    _ weights: [String]
  ) -> (nodes: [Node], values: [String]) {
    let original = graph.nodes[use.node]
    let output = original.outputs[0]
    var (nodes, values): ([Node], [String]) = ([], [])
    var value = original.inputs[0]
    if let order = factors.inputOrder {
      value = gather(value, order, "\(output)/grouped_input", into: &nodes)
    }
    for (index, stage) in factors.stages.enumerated() {
      let isLast = index == factors.stages.count - 1
      let isEnd = isLast && factors.outputOrder == nil
      let made = isEnd ? output : names.value("\(output)/\(stage.name)")
      var node = original
      if !isLast { node.name = nodeName(original, stage.name) }
      node.inputs = [value, weights[index]]
      node.outputs = [made]
      if layer.kind == .convolution {
        node.attributes = Self.attributes(original.attributes, stage)
      } else if !isLast {
        (node.opType, node.attributes) = ("MatMul", [:])
      }
      if isLast {
        node.inputs += bias(original, factors, into: &nodes)
        node.inputs += original.inputs.dropFirst(3)
      }
      nodes.append(node)
      values.append(made)
      value = made
    }
    if let order = factors.outputOrder {
      nodes.append(
        Node(
          "Gather", name: nodeName(original, "order"),
          inputs: [value, indices(order, "\(output)/order")], outputs: [output],
          attributes: ["axis": .int(1)]))
    }
    return (nodes, values)
  }

  private mutating func nodeName(_ original: Node, _ part: String) -> String {
    names.node(original.name.isEmpty ? "" : "\(original.name)/\(part)")
  }

  private mutating func gather(
    _ value: String, _ order: [Int], _ stem: String, into nodes: inout [Node]
  ) -> String {
    let made = names.value(stem)
    nodes.append(
      Node(
        "Gather", name: names.node(made), inputs: [value, indices(order, stem)], outputs: [made],
        attributes: ["axis": .int(1)]))
    return made
  }

  private mutating func indices(_ order: [Int], _ stem: String) -> String {
    let name = names.value("\(stem).indices")
    graph[constant: name] = Tensor(order.map(Int64.init), shape: [order.count])
    return name
  }

  /// The bias in the order of the last stage's outputs.
  private mutating func bias(
    _ original: Node, _ factors: LayerFactors, into nodes: inout [Node]
  ) -> [String] {
    guard original.inputs.count > 2 else { return [] }
    let name = original.inputs[2]
    guard let order = factors.outputOrder, !name.isEmpty else { return [name] }
    let fresh = names.value("\(name)/grouped")
    let own = registry.weighted(original, in: graph).map {
      LayerBias(original, $0, channels: order.count) { graph[constant: $0] }
    }
    guard let bias = own?.constants else {
      // Nodes that compute the bias stay. Its elements are permuted behind them.
      var channels = order
      for (channel, place) in order.enumerated() { channels[place] = channel }
      nodes.append(
        Node(
          "Gather", name: names.node(fresh), inputs: [name, indices(channels, fresh)],
          outputs: [fresh], attributes: ["axis": .int(0)]))
      return [fresh]
    }
    var values = bias
    for (channel, place) in order.enumerated() { values[place] = bias[channel] }
    graph[constant: fresh] = Tensor(values)
    return [fresh]
  }

  /// The layer's attributes for a stage, by its window.
  private static func attributes(_ all: Attributes, _ stage: FactorStage) -> Attributes {
    var result = all
    let axes = stage.kernel.count
    result["group"] = .int(stage.groups)
    result["kernel_shape"] = .ints(stage.kernel)
    func part(_ name: String, _ neutral: Int, repeats: Int) {
      guard let values = try? all.ints(name), values.count == axes * repeats else { return }
      result[name] = .ints(values.indices.map { stage.window[$0 % axes] ? values[$0] : neutral })
    }
    part("strides", 1, repeats: 1)
    part("dilations", 1, repeats: 1)
    part("pads", 0, repeats: 2)
    if !stage.window.contains(true) { result["auto_pad"] = nil }
    return result
  }

  // MARK: Changing stages

  /// Gives the last stage of a chain new weights, and its outputs constants to add.
  ///
  /// - Parameters:
  ///   - matrix: The weights in the layout that the stage's node reads.
  ///   - constants: What is added to each output in place of the bias, in the order of the stage's
  ///     outputs.
  public mutating func refit(_ chain: Int, weights tensor: Tensor, constants: [Float]) {
    guard let name = chains[chain].weights.last else { return }
    graph[constant: name] = tensor
    for values in chains[chain].values {
      guard let value = values.last,
        let place = graph.nodes.firstIndex(where: { $0.outputs.first == value })
      else { continue }
      chains[chain].constants.insert(setBias(place, constants))
    }
  }

  /// Gives a node constants to add; returns their name.
  private mutating func setBias(_ place: Int, _ constants: [Float]) -> String {
    let node = graph.nodes[place]
    let name = names.value("\(node.inputs[1]).bias")
    graph[constant: name] = Tensor(constants, shape: [constants.count])
    guard let slot = registry.weighted(node, in: graph)?.biasInput else {
      // A product has no bias input.
      let product = names.value("\(node.outputs[0])/product")
      graph.nodes[place].outputs[0] = product
      graph.nodes.insert(
        Node(
          "Add", name: nodeName(node, "constant"), inputs: [product, name],
          outputs: [node.outputs[0]]), at: place + 1)
      return name
    }
    graph.nodes[place].setInput(slot, to: name)
    for factor in ["alpha", "beta"] { graph.nodes[place].attributes[factor] = nil }
    return name
  }

  /// The values between the stages, behind which a batch normalisation can stand.
  ///
  /// Reference: Tai et al., ICLR 2016, arXiv:1511.06067, section 3.2, which trains factorised
  /// networks from scratch with them.
  public var between: [String] { chains.flatMap { $0.values.flatMap { $0.dropLast() } } }
}
