import Foundation
import GraphIR
import Compression
import Tensors

/// A layer's weights and bias as integers.
struct QuantizedLayer {
  /// A bias as int32.
  struct Bias {
    /// One for each output channel.
    var integers: [Int32]
    /// What a step is worth, one for all or one a channel.
    var units: [Float]
    /// Whether it holds the β of a `Gemm`.
    var hasBeta: Bool
  }

  /// The weights.
  let weights: QuantizedWeights
  /// The bias; `nil` where the layer has none, or one that stays float.
  let bias: Bias?
  /// The axis of the weights that output channels run along.
  let axis: Int
  /// Whether one scale serves all channels.
  let isPerTensor: Bool

  /// Rounds a layer.
  ///
  /// Biases are integers of `α sₓ s_w`, with α that of a `Gemm`: so integer products of run
  /// times read them. Those that are not the same at all positions stay float, as do all where α is
  /// not positive.
  init(
    _ node: Node, _ layer: WeightedLayers.WeightedLayer, scheme: QuantizationScheme,
    constants: [String: Tensor], inputScale: Float, roundings: Data?
  ) {
    let rank = layer.tensor.shape.count
    let axis = layer.slot.outputAxis < 0 ? layer.slot.outputAxis + rank : layer.slot.outputAxis
    self.axis = axis
    let (own, alpha) = Self.addend(node, layer, constants)
    let scheme = scheme.adapted(to: layer.rules)
    isPerTensor = !scheme.perChannel
    let weights = QuantizedWeights(
      layer.tensor, axis: axis, scheme: scheme, bias: own, inputScale: inputScale,
      pairs: ProductPairs(layer.rules, slot: layer.slot, shape: layer.tensor.shape),
      roundsUp: roundings.flatMap { AdaptiveRounding.unpacked($0, count: layer.tensor.count) })
    self.weights = weights
    bias = own.map { own in
      let units = weights.scales.map { $0 * inputScale }
      let integers = own.enumerated().map { channel, value -> Int32 in
        let steps = (Double(value) / Double(units[units.count == 1 ? 0 : channel])).rounded(
          .toNearestOrEven)
        return Int32(max(min(steps, 2_147_483_647), -2_147_483_648))
      }
      return Bias(
        integers: integers, units: alpha == 1 ? units : units.map { alpha * $0 },
        hasBeta: layer.rules.factors.bias != 1)
    }
  }

  /// What is added to each channel in parts of α, and α; `nil` where nothing is, or nothing that
  /// becomes integers.
  static func addend(
    _ node: Node, _ layer: WeightedLayers.WeightedLayer, _ constants: [String: Tensor]
  ) -> (values: [Float]?, alpha: Float) {
    let rank = layer.tensor.shape.count
    let channels = layer.tensor.shape[(layer.slot.outputAxis + rank) % rank]
    let alpha = layer.rules.factors.product
    guard alpha > 0,
      let values = LayerBias(
        node, layer.rules, channels: channels, constant: { constants[$0] }
      ).constants
    else { return (nil, alpha) }
    return (alpha == 1 ? values : values.map { $0 / alpha }, alpha)
  }
}

extension QuantizationScheme {
  /// The scheme of a layer: one scale for all channels where its form on integers takes no more.
  func adapted(to rules: any WeightedOperator) -> QuantizationScheme {
    var own = self
    let form = (rules as? any QuantizableOperator)?.integerForm
    if form?.scalesByChannel == false { own.perChannel = false }
    return own
  }
}
