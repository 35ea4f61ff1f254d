import GraphIR
import Tensors

/// A score of the importance of single weights.
///
/// The lowest scores are zeroed first.
public struct WeightCriterion: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the criterion comes from.
  public var citation: String
  /// What each batch adds to the saliency of a weight, given the weight and its gradient; `nil` for
  /// criteria that need only the weights.
  public var saliency: (@Sendable (_ weight: Float, _ gradient: Float) -> Float)?
  /// Scores, one for each weight, comparable across layers.
  ///
  /// Arguments: the values of a tensor in row-major order, a source of random numbers of its own.
  /// Where there is a ``saliency``, its sums are the scores instead.
  public var scores: @Sendable ([Float], inout CounterRandom) -> [Float]

  /// Every criterion, in the order of help and error texts: those of the library, then added ones.
  public static var all: [WeightCriterion] { builtIn + additions.all }

  /// Adds a criterion, which is then found by its name.
  public static func add(_ criterion: WeightCriterion) { additions.add(criterion) }

  private static let additions = Additions<WeightCriterion>()
  private static let builtIn: [WeightCriterion] = [
    .magnitude, .secondOrder, .gradient, .taylor, .movement, .random,
  ]

  /// Whether zeros are chosen and layers refitted on images, see ``SecondOrderPruning``.
  public var needsImages = false
  /// Whether gradients are needed, and so labelled images.
  public var needsGradients: Bool { saliency != nil }

  /// A criterion that needs only the weights.
  public init(
    name: String, summary: String, citation: String,
    scores: @escaping @Sendable ([Float], inout CounterRandom) -> [Float]
  ) {
    (self.name, self.summary, self.citation) = (name, summary, citation)
    self.scores = scores
  }

  /// A criterion that sums a saliency over batches.
  public init(
    name: String, summary: String, citation: String,
    saliency: @escaping @Sendable (_ weight: Float, _ gradient: Float) -> Float
  ) {
    (self.name, self.summary, self.citation) = (name, summary, citation)
    self.saliency = saliency
    scores = { values, _ in values.map { _ in 0 } }
  }

  /// The criterion with a name.
  public static func named(_ name: String) -> WeightCriterion? { all.first { $0.name == name } }
}
