import GraphIR
import Compression
import Tensors

/// A layer whose weights can be refitted when some of its input channels are removed.
@dynamicMemberLookup
struct LayerReader {
  /// The layer.
  let layer: ChannelCoupling.Consumer
  /// The constant that holds the weights.
  let weight: String
  /// Reads its patches and responses.
  let reader: PatchReader

  /// Returns `nil` for layers whose weights are not refitted, such as grouped convolutions with
  /// several channels in a group.
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

  /// Whether every output channel reads only the input channel with the same index.
  var isDepthwise: Bool { reader.groups > 1 }

  /// The positions that are sampled in an image, the same in every run.
  func positions(_ image: Int, wanted: Int, seed: UInt64) -> [Int] {
    reader.positions(
      wanted,
      random: CounterRandom(seed: seed, stream: UInt64(layer.node) << 32 | UInt64(image)))
  }
}
