/// What training needs to know of a ``HeadFamily``: how its raw maps read, and their loss.
public struct HeadTraining: Sendable, Equatable {
  /// The layout of the channels of raw maps.
  public enum Layout: Sendable, Equatable {
    /// At each stride one map of distance distributions and classes, or one of each; in a shared
    /// one scores come first, or last.
    case distributions(scoresFirst: Bool)
    /// At each stride a map for boxes, one for objectness and one for classes.
    case objectness
    /// At each stride one map `[N, A·(5 + C), H, W]` of anchors.
    case anchors
    /// The scores and offsets of priors, which have no maps.
    case priors
  }

  /// What makes scores of the logits of classes.
  public enum Scores: Sendable, Equatable {
    /// A sigmoid of each.
    case sigmoid
    /// A softmax over all.
    case softmax
  }

  /// The layout of the raw maps.
  public var layout: Layout
  /// The name of the loss, one of `LossFamily.all`.
  public var loss: String
  /// Whether a network that does not decode its boxes ends at the maps.
  ///
  /// Otherwise the maps are the outputs of the last convolutions.
  public var endsAtMaps: Bool
  /// What makes scores of the logits of classes.
  public var classes: Scores

  /// Properties of the given parts.
  public init(layout: Layout, loss: String, endsAtMaps: Bool, classes: Scores = .sigmoid) {
    (self.layout, self.loss) = (layout, loss)
    (self.endsAtMaps, self.classes) = (endsAtMaps, classes)
  }
}
