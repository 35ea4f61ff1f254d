import Compression
import GraphIR
import Tensors

/// Moves biases by what rounding of weights does to the means of responses, from what
/// normalisations say of inputs.
///
/// The shift of an output channel is `−Σ (w̃ − w) E[x]`, with E[x] the mean of each input channel.
/// Layers whose inputs nothing is known of are left alone.
///
/// Reference: Nagel et al., ICCV 2019, arXiv:1906.04721, §4.2.
public enum AnalyticBiasCorrection {
  /// The shifts, by the layer's first output.
  ///
  /// - Parameter plan: The plan whose scheme, ranges and adaptive rounding decide how weights are
  ///   rounded.
  public static func shifts(
    _ graph: Graph, plan: QuantizationPlan, sites: QuantizationSites, moments: ChannelMoments
  ) -> [String: [Float]] {
    let ranges = Dictionary(
      plan.activations.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    let layers = Dictionary(
      WeightedLayers(graph, registry: sites.registry).layers.map { ($0.node, $0) },
      uniquingKeysWith: { first, _ in first })
    var shifts: [String: [Float]] = [:]
    for index in sites.nodes {
      let node = graph.nodes[index]
      guard node.qualifiedType == "Conv", let layer = layers[index],
        let means = moments.values[node.inputs[0]]?.means,
        let range = ranges[sites.scaleOwner(of: node.inputs[0])]
      else { continue }
      let output = node.outputs[0]
      let weights = layer.tensor
      let bias = LayerBias(node, layer.rules, channels: weights.shape[0]) { graph[constant: $0] }
      let rounded = QuantizedWeights(
        weights, axis: 0, scheme: plan.scheme, bias: bias.constants,
        inputScale: plan.scheme.activation(range).scale,
        pairs: ProductPairs(layer.rules, slot: layer.slot, shape: weights.shape),
        roundsUp: plan.roundings?[output].flatMap {
          AdaptiveRounding.unpacked($0, count: weights.count)
        }
      ).floats(axis: 0)
      let errors = Tensor(
        zip(rounded, weights.floats).map { $0 - $1 }, shape: weights.shape
      ).sumsOverTaps
      let (outputs, inputs) = (weights.shape[0], weights.shape[1])
      let groups = means.count / max(inputs, 1)
      guard groups * inputs == means.count, outputs % max(groups, 1) == 0 else { continue }
      shifts[output] = (0..<outputs).map { channel in
        let first = channel / (outputs / groups) * inputs
        return -(0..<inputs).reduce(Float(0)) {
          $0 + errors[channel * inputs + $1] * means[first + $1]
        }
      }
    }
    return shifts
  }
}
