import Compression
import Execution
import GraphIR
import Tensors

/// Moves biases so that layers answer in the mean what they answered before they were quantised.
///
/// Rounding of weights and activations shifts the mean of an output channel, and the shifts add up
/// with depth. Layer by layer, in order, the mean over images and positions of `y − ỹ` is added to
/// the bias. ỹ is the response of the quantised layer to inputs made by the quantised and already
/// corrected layers before it.
///
/// Reference: Nagel et al., ICCV 2019, arXiv:1906.04721, §4.2 and appendix D, the empirical form.
/// Means are taken before the activation.
public struct BiasCorrection: Sendable {
  /// What is added to each output channel, by the layer's first output.
  public private(set) var shifts: [String: [Float]] = [:]

  /// Finds the shifts for a prepared network and a plan.
  ///
  /// - Throws: What sessions and `inputs` throw.
  public init(
    _ source: Graph, plan: QuantizationPlan, sites: QuantizationSites,
    inputs: some CalibrationSet, engine: Engine
  ) throws {
    let layers = sites.nodes.filter {
      source.nodes[$0].qualifiedType == "Conv"
        && source[constant: source.nodes[$0].inputs[1]] != nil
    }
    let outputs = layers.map { source.nodes[$0].outputs[0] }
    let expected = try ChannelMeans.measured(source, outputs, inputs, engine)
    var corrected = source
    try engine.progress.job("correcting biases", total: layers.count, unit: "layers") { done in
      for (place, (index, output)) in zip(layers, outputs).enumerated() {
        done(place)
        let quantized = try QuantizedNetwork(corrected, plan: plan, sites: sites)
        var network = quantized.graph
        let name = quantized.unrounded[output] ?? output
        network.outputs = [ValueInfo(name: name, type: .undeclared)]
        network.removeDeadNodes()
        let found = try ChannelMeans.measured(network, [name], inputs, engine)[0]
        guard found.count == expected[place].count else { continue }
        let shift = zip(expected[place], found).map { $0 - $1 }
        guard shift.allSatisfy(\.isFinite) else { continue }
        var names = FreshNames(corrected)
        guard Self.add(shift, to: index, of: &corrected, &names, sites.registry) else { continue }
        shifts[output] = shift
      }
    }
  }

  /// Adds the shifts to the biases of a prepared network.
  public static func apply(
    _ shifts: [String: [Float]], to graph: inout Graph, registry: OperatorRegistry
  ) {
    guard !shifts.isEmpty else { return }
    var names = FreshNames(graph)
    for index in graph.nodes.indices {
      guard let shift = graph.nodes[index].outputs.first.flatMap({ shifts[$0] }) else { continue }
      add(shift, to: index, of: &graph, &names, registry)
    }
  }

  /// Adds a shift to a bias; `false` where that is computed as the network runs.
  @discardableResult
  private static func add(
    _ shift: [Float], to index: Int, of graph: inout Graph, _ names: inout FreshNames,
    _ registry: OperatorRegistry
  ) -> Bool {
    let node = graph.nodes[index]
    guard let rules = registry.weighted(node, in: graph), let slot = rules.biasInput,
      let bias = LayerBias(node, rules, channels: shift.count, constant: { graph[constant: $0] })
        .values(shift.count)
    else { return false }
    let name = names.value("\(node.outputs[0])_corrected_bias")
    graph.initializers[name] = Initializer(Tensor(zip(bias, shift).map { $0 + $1 }))
    graph.nodes[index].setInput(slot, to: name)
    return true
  }
}
