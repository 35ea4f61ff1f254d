import GraphIR
import Tensors

/// A score of the importance of channels.
///
/// The lowest scores are removed first.
public struct ChannelCriterion: Sendable {
  /// What a criterion needs.
  public enum Need: Sendable {
    /// The weights alone.
    case weights
    /// The γ of a batch normalisation behind each layer.
    case scales
    /// Activation statistics on images.
    case activations
    /// The gradients of the training loss.
    case gradients
    /// Weights and responses of one layer after the other; see `ChannelReconstruction`.
    case reconstruction
    /// The moments of what the readers see; see `ChannelElimination`.
    case moments

    /// Whether the layers that read removed channels are refitted.
    public var refits: Bool { self == .reconstruction || self == .moments }
    /// Whether channels cannot be chosen without images.
    public var looksAtImages: Bool { self == .activations || refits }
  }

  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the criterion comes from.
  public var citation: String
  /// What it needs.
  public var need: Need
  /// Whether scores compare across layers as they are.
  ///
  /// Otherwise each layer's scores are divided by their mean.
  public var comparesAcrossLayers: Bool
  /// The score of each channel of one layer; `nil` when the layer lacks what the criterion needs.
  public var scores: @Sendable (ChannelEvidence, inout CounterRandom) -> [Double]?

  /// A criterion of the given parts.
  public init(
    name: String, summary: String, citation: String, need: Need, comparesAcrossLayers: Bool = false,
    scores: @escaping @Sendable (ChannelEvidence, inout CounterRandom) -> [Double]?
  ) {
    (self.name, self.summary, self.citation) = (name, summary, citation)
    (self.need, self.comparesAcrossLayers, self.scores) = (need, comparesAcrossLayers, scores)
  }

  /// Every criterion, in the order of help and error texts: those of the library, then added ones.
  public static var all: [ChannelCriterion] { builtIn + additions.all }

  /// Adds a criterion, which is then found by its name.
  public static func add(_ criterion: ChannelCriterion) { additions.add(criterion) }

  private static let additions = Additions<ChannelCriterion>()
  private static let builtIn: [ChannelCriterion] = [
    .l1, .l2, .bnGamma, .fpgm, .apoz, .meanActivation, .taylor, .gradient, .lasso,
    .secondOrder, .random,
  ]

  /// The criterion with a name.
  public static func named(_ name: String) -> ChannelCriterion? { all.first { $0.name == name } }
}

/// What is known of the channels of one layer.
public struct ChannelEvidence: Sendable {
  /// The weights of each channel.
  public var filters: [[Float]]
  /// The γ of the batch normalisation behind the layer; `nil` when there is none.
  public var scales: [Float]?
  /// The statistics of each channel after normalisation and activation; `nil` without images.
  public var activations: ChannelActivations.Statistics?
  /// Saliency sums over batches; `nil` when no gradients were computed.
  public var saliency: ChannelSaliency.Sums?
}
