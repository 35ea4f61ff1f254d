import Execution
import GraphIR
import Operators
import Tensors

/// Moves biases by what rounding of its weights does to the mean response of each layer by itself.
///
/// The shift of an output channel is the mean over images and positions of `W x − W̃ x` with the inputs x of the float network, all layers
/// in one pass; errors of layers before, and of rounded activations, are left to ``BiasCorrection``. Reference: Nagel et al., ICCV
/// 2019, arXiv:1906.04721, §4.2, whose expectations come from batch normalisations (``AnalyticBiasCorrection``); measured ones
/// count the padding of borders too and need no normalisations.
public enum LocalBiasCorrection {
  /// The shifts, by the layer's first output.
  ///
  /// - Throws: What sessions and `feed` throw, ``QuantizationError`` for a plan of another network.
  public static func shifts(
    _ graph: Graph, plan: QuantizationPlan, sites: QuantizationSites, feed: ImageFeed
  ) throws -> [String: [Float]] {
    var probe = Probe(graph, try QuantizedNetwork(graph, plan: plan, sites: sites).graph)
    let outputs = sites.nodes.filter {
      graph.nodes[$0].qualifiedType == "Conv"
        && graph[constant: graph.nodes[$0].inputs[1]] != nil
    }.filter { probe.add(graph.nodes[$0]) }.map { graph.nodes[$0].outputs[0] }
    guard !outputs.isEmpty else { return [:] }
    let means = try ChannelMeans.measured(
      probe.graph, outputs + outputs.map(Probe.name), feed)
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
    private let makers: [String: Int]
    private var made: Set<String>

    init(_ graph: Graph, _ quantized: Graph) {
      self.graph = graph
      self.quantized = quantized
      makers = Dictionary(
        quantized.nodes.enumerated().flatMap { node in
          node.element.outputs.map { ($0, node.offset) }
        }, uniquingKeysWith: { first, _ in first })
      made = Set(graph.nodes.flatMap(\.outputs) + graph.inputs.map(\.name))
    }

    /// What the quantised layer's output is called.
    static func name(_ output: String) -> String { "\(output)_by_itself" }

    /// Adds a layer with its rounded weights; `false` when the quantised network has none.
    mutating func add(_ layer: Node) -> Bool {
      let output = layer.outputs[0]
      guard let index = makers["\(output)_unrounded"] ?? makers[output],
        quantized.nodes[index].opType == "Conv"
      else { return false }
      var node = quantized.nodes[index]
      for input in node.inputs.dropFirst() { take(input) }
      node.inputs[0] = layer.inputs[0]
      node.outputs = [Self.name(output)]
      node.name = node.outputs[0]
      graph.nodes.append(node)
      return true
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
