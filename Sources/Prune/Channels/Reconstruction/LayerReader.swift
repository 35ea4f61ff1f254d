import GraphIR
import Compression
import Tensors

/// A layer that reads channels and whose weights can be refitted when some are gone.
@dynamicMemberLookup
struct LayerReader {
  /// The layer.
  let layer: ChannelCoupling.Consumer
  /// The constant that holds the weights.
  let weight: String
  /// Where its patches and responses are.
  let reader: PatchReader

  /// `nil` for layers whose weights are not refitted, among them those in groups of several channels.
  init?(_ coupling: ChannelCoupling, _ consumer: ChannelCoupling.Consumer) {
    let operands = coupling.trace.typed.operands
    let node = coupling.graph.nodes[consumer.node]
    guard let rules = coupling.registry.weighted(node, in: coupling.graph),
      rules.hasPlainWeights, let name = consumer.weight,
      let tensor = operands[name]?.constant,
      let reader = PatchReader(
        node, rules, weights: tensor, input: consumer.input, operands: operands),
      reader.groups == 1 || reader.groups == reader.channels && reader.outputs == reader.channels
    else { return nil }
    (layer, weight, self.reader) = (consumer, name, reader)
  }

  subscript<Value>(dynamicMember path: KeyPath<PatchReader, Value>) -> Value {
    reader[keyPath: path]
  }

  /// Whether every output channel reads the input channel of its own number alone.
  var isDepthwise: Bool { reader.groups > 1 }

  /// The positions that are looked at in an image, the same in every run.
  func positions(_ image: Int, wanted: Int, seed: UInt64) -> [Int] {
    reader.positions(
      wanted,
      random: CounterRandom(seed: seed, stream: UInt64(layer.node) << 32 | UInt64(image)))
  }
}
