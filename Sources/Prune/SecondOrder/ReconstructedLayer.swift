import Execution
import GraphIR
import Compression
import Tensors

/// A weight that reconstruction prunes, and the nodes that read it.
struct ReconstructedLayer {
  /// One node that reads the weight.
  struct Use {
    var node: Int
    var reader: PatchReader
    /// The shortcut whose error the layer can take back.
    var shortcut: Shortcut?

    /// The values that the layer's fit reads of the pruned network.
    var sources: [String] { [reader.source] + (shortcut.map { [$0.value] } ?? []) }
  }

  /// Its index among the weights that were found.
  let index: Int
  let weight: PrunableWeights.Weight
  let uses: [Use]
  /// Where the layer's intercept is stored; `nil` where there is no place, and for weights that
  /// several nodes read.
  let intercept: InterceptPlace?

  /// A layer, or `nil` for one whose patches or responses cannot be read.
  init?(
    _ index: Int, _ weight: PrunableWeights.Weight, layers: [WeightedLayers.WeightedLayer],
    graph: Graph,
    operands: [String: Operand], links: Connectivity
  ) {
    let own = layers.filter { $0.weight == weight.name }
    let uses = own.compactMap { layer -> Use? in
      let node = graph.nodes[layer.node]
      guard layer.slot.input == 1, node.inputs[1] == weight.name,
        layer.rules.hasPlainWeights,
        let reader = PatchReader(
          node, layer.rules, weights: weight.tensor, operands: operands)
      else { return nil }
      return Use(
        node: layer.node, reader: reader,
        shortcut: Shortcut(beside: layer.node, of: graph, operands: operands, links: links))
    }
    guard !uses.isEmpty, uses.count == own.count,
      links.consumers[weight.name]?.count == uses.count
    else { return nil }
    (self.index, self.weight, self.uses) = (index, weight, uses)
    intercept =
      uses.count > 1
      ? nil
      : InterceptPlace(
        behind: uses[0].node, uses[0].reader.rules, of: graph, outputs: uses[0].reader.outputs,
        operands: operands,
        links: links)
  }

  /// The first node that reads the weight.
  var node: Int { uses[0].node }
  /// How patches are laid out, the same for all uses.
  var reader: PatchReader { uses[0].reader }
  /// The weights as `[outputs, channels / groups · kernel]`.
  var matrix: [Float] { reader.matrix(weight.tensor) }

  /// The positions that are sampled in an image, the same in every run.
  func positions(
    _ use: Use, image: Int, of images: Int, _ configuration: SecondOrderPruning.Configuration
  ) -> [Int] {
    let images = Double(max(images, 1))
    let wanted = max(
      Double(configuration.leastPositions),
      configuration.positionsPerWeight * Double(reader.weightsPerOutput) / images)
    let most = Double(configuration.mostPositions) / images
    return use.reader.positions(
      max(1, Int(min(wanted, most).rounded(.up))),
      random: CounterRandom(
        seed: configuration.request.seed, stream: UInt64(use.node) << 32 | UInt64(image)))
  }
}
