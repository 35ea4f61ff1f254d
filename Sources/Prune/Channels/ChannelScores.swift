import GraphIR
import Tensors

/// The importance of every group of a coupling, comparable across layers.
///
/// Unless the criterion's scores compare across layers as they are, a layer's scores are divided by
/// their mean. So layers with large weights are not preferred only for that. A group's score is the
/// mean over its channels. Channels of layers without scores do not count. A group without any
/// score is never removed.
public struct ChannelScores: Sendable {
  /// The score of each group; infinite for groups without any.
  public var groups: [Double]
  /// The raw scores of each producer; `nil` where the criterion has none.
  public var producers: [[Double]?]

  /// Scores the groups of a coupling by a criterion.
  ///
  /// - Parameters:
  ///   - activations: The activations, for criteria that need them.
  ///   - saliency: The sums of gradients, for criteria that need them.
  /// - Throws: `NotFinite` for NaN or infinite weights, ``PruningError/noScales(method:)`` when no
  ///   layer has the scales that the criterion needs.
  public init(
    _ coupling: ChannelCoupling, criterion: ChannelCriterion,
    activations: ChannelActivations? = nil, saliency: [String: ChannelSaliency.Sums] = [:],
    seed: UInt64 = 0
  ) throws {
    let graph = coupling.graph
    let links = Connectivity(graph)
    let producers: [[Double]?] = try coupling.producers.enumerated().map { index, producer in
      guard let weight = coupling.trace.typed.operands[producer.weight]?.constant else {
        return nil
      }
      let scales = ChannelFeatures(of: producer.output, in: graph, links, coupling.trace).scales
        .flatMap { coupling.trace.typed.operands[$0]?.constant?.floats }
      let evidence = ChannelEvidence(
        filters: try Self.filters(weight, producer), scales: scales,
        activations: activations?.producers[index], saliency: saliency[producer.weight])
      var random = CounterRandom(seed: seed, stream: UInt64(index))
      return criterion.scores(evidence, &random)
    }
    let groups = coupling.groups.map { group in
      var (sum, count) = (0.0, 0)
      for member in group.members {
        guard let scores = producers[member.producer] else { continue }
        let mean =
          criterion.comparesAcrossLayers ? 1 : scores.reduce(0, +) / Double(scores.count)
        sum += mean > 0 ? scores[member.channel] / mean : 0
        count += 1
      }
      return count == 0 ? .infinity : sum / Double(count)
    }
    (self.producers, self.groups) = (producers, groups)
    guard coupling.groups.isEmpty || groups.contains(where: \.isFinite) else {
      throw PruningError.noScales(method: criterion.name)
    }
  }

  private static func filters(
    _ weight: Tensor, _ producer: ChannelCoupling.Producer
  ) throws -> [[Float]] {
    let values = weight.elementType == .float32 ? weight.floats : weight.doubles.map { Float($0) }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw NotFinite.weight(
        name: producer.weight, node: "the layer of '\(producer.output)'",
        element: weight.shape.indices(of: index), number: "\(values[index])")
    }
    let (axis, shape) = (producer.weightAxis, weight.shape)
    let inner = shape[(axis + 1)...].reduce(1, *)
    var filters = [[Float]](repeating: [], count: shape[axis])
    for (index, value) in values.enumerated() {
      filters[index / inner % shape[axis]].append(value)
    }
    // The weights of a grouped transposed convolution hold the output channels of one group only,
    // so the filters repeat for each group.
    let channels = producer.groups.count
    return channels == filters.count ? filters : (0..<channels).map { filters[$0 % filters.count] }
  }
}
