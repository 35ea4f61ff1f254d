import Execution
import GraphIR
import Operators
import Tensors

/// Moves biases by what rounding of its weights does to the mean response of each layer by itself.
///
/// The shift of an output channel is the mean over images and positions of `W x − W̃ x` with the
/// inputs x of the float network, all layers in one pass; errors of layers before, and of rounded
/// activations, are left to ``BiasCorrection``. Reference: Nagel et al., ICCV 2019,
/// arXiv:1906.04721, §4.2, whose expectations come from batch normalisations
/// (``AnalyticBiasCorrection``); measured ones count the padding of borders too and need no
/// normalisations.
public enum LocalBiasCorrection {
  /// The shifts, by the layer's first output.
  ///
  /// - Throws: What sessions and `inputs` throw, ``QuantizationError`` for a plan of another
  ///   network.
  public static func shifts(
    _ graph: Graph, plan: QuantizationPlan, sites: QuantizationSites,
    inputs: some CalibrationSet, engine: Engine
  ) throws -> [String: [Float]] {
    var probe = Probe(graph, try QuantizedNetwork(graph, plan: plan, sites: sites))
    let layers = sites.nodes.filter {
      graph.nodes[$0].qualifiedType == "Conv"
        && graph[constant: graph.nodes[$0].inputs[1]] != nil
    }
    let added = layers.compactMap { index in
      probe.add(graph.nodes[index]).map { (graph.nodes[index].outputs[0], $0) }
    }
    let outputs = added.map(\.0)
    guard !outputs.isEmpty else { return [:] }
    let means = try ChannelMeans.measured(probe.graph, outputs + added.map(\.1), inputs, engine)
    var shifts: [String: [Float]] = [:]
    for (place, output) in outputs.enumerated() {
      let shift = zip(means[place], means[outputs.count + place]).map { $0 - $1 }
      if !shift.isEmpty, shift.allSatisfy(\.isFinite) { shifts[output] = shift }
    }
    return shifts
  }

  /// The float network with quantised layers that read its values beside its own.
  private struct Probe {
    private(set) var graph: Graph
    private let quantized: Graph
    private let unrounded: [String: String]
    private var names: FreshNames
    private let makers: [String: Int]
    private var made: Set<String>

    init(_ graph: Graph, _ network: QuantizedNetwork) {
      self.graph = graph
      quantized = network.graph
      unrounded = network.unrounded
      names = FreshNames(quantized)
      makers = Dictionary(
        quantized.nodes.enumerated().flatMap { node in
          node.element.outputs.map { ($0, node.offset) }
        }, uniquingKeysWith: { first, _ in first })
      made = Set(graph.nodes.flatMap(\.outputs) + graph.inputs.map(\.name))
    }

    /// Adds a layer with its rounded weights; what its output is called, `nil` when the quantised
    /// network has none.
    mutating func add(_ layer: Node) -> String? {
      let output = layer.outputs[0]
      guard let index = makers[unrounded[output] ?? output],
        quantized.nodes[index].qualifiedType == "Conv"
      else { return nil }
      var node = quantized.nodes[index]
      for input in node.inputs.dropFirst() { take(input) }
      node.inputs[0] = layer.inputs[0]
      let name = names.value("\(output)_by_itself")
      (node.outputs, node.name) = ([name], names.node(name))
      graph.nodes.append(node)
      return name
    }

    /// Takes over what makes a value from a float one or from constants.
    private mutating func take(_ name: String) {
      guard !name.isEmpty, made.insert(name).inserted else { return }
      if let constant = quantized.initializers[name] {
        graph.initializers[name] = constant
      } else if let index = makers[name] {
        for input in quantized.nodes[index].inputs { take(input) }
        graph.nodes.append(quantized.nodes[index])
      }
    }
  }
}
