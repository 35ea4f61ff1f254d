import Tensors

/// How important channels are: the lowest scores go first.
public struct ChannelCriterion: Sendable {
  /// What a criterion looks at.
  public enum Need: Sendable {
    /// The weights alone.
    case weights
    /// The γ of a batch normalisation behind each layer.
    case scales
    /// What the channels hold on images.
    case activations
    /// The gradients of the training loss.
    case gradients
    /// Weights and responses of one layer after the other; see `ChannelReconstruction`.
    case reconstruction
  }

  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the criterion comes from.
  public var citation: String
  /// What it looks at.
  public var need: Need
  /// Whether scores compare across layers as they are; else each layer's are divided by their mean.
  public var comparesAcrossLayers: Bool
  /// The score of each channel of one layer; `nil` when the layer has not what the criterion needs.
  public var scores: @Sendable (ChannelEvidence, inout CounterRandom) -> [Double]?

  init(
    name: String, summary: String, citation: String, need: Need, comparesAcrossLayers: Bool = false,
    scores: @escaping @Sendable (ChannelEvidence, inout CounterRandom) -> [Double]?
  ) {
    (self.name, self.summary, self.citation) = (name, summary, citation)
    (self.need, self.comparesAcrossLayers, self.scores) = (need, comparesAcrossLayers, scores)
  }

  /// Every criterion, by which help and error texts list them.
  public static let all: [ChannelCriterion] = [
    .l1, .l2, .bnGamma, .fpgm, .apoz, .meanActivation, .taylor, .gradient, .lasso, .random,
  ]

  /// The criterion of a name.
  public static func named(_ name: String) -> ChannelCriterion? { all.first { $0.name == name } }
}

/// What is known of the channels of one layer.
public struct ChannelEvidence: Sendable {
  /// The weights of each channel.
  public var filters: [[Float]]
  /// The γ of the batch normalisation behind the layer; `nil` when there is none.
  public var scales: [Float]?
  /// What each channel holds behind normalisation and activation; `nil` when no images were looked at.
  public var activations: ChannelActivations.Statistics?
  /// Sums over batches of what the gradients say; `nil` when none were computed.
  public var saliency: ChannelSaliency.Sums?
}
