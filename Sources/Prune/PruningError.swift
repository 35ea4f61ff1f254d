/// Why weights cannot be pruned as asked.
public enum PruningError: Error, Equatable, CustomStringConvertible {
  case nothingToPrune(kept: [PrunableWeights.KeepReason: Int])
  case noSuchLayer(pattern: String, known: [String])
  case unknown(kind: String, name: String, known: [String])
  case otherModel(reason: String)
  case needsGradients(method: String)
  case notReplayable(method: String)
  case emptied(value: String)
  case noScales(method: String)
  case needsImages(method: String)
  case noChannel(obstacles: String)
  case unproved(difference: Double)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .nothingToPrune(let kept):
      if kept.isEmpty {
        "the model has no weights: no convolution or matrix product reads a constant"
      } else {
        "no weight may be pruned: "
          + kept.map { "\($0.value) × \($0.key.rawValue)" }.sorted().joined(separator: ", ")
          + (kept[.notFloat] == nil ? "" : "; prune the float model before it is quantised")
      }
    case .noSuchLayer(let pattern, let known):
      "no layer fits '\(pattern)'; the model's weights are \(known.prefix(8).joined(separator: ", "))"
        + (known.count > 8 ? " and \(known.count - 8) more" : "")
    case .unknown(let kind, let name, let known):
      "there is no \(kind) '\(name)'; known are \(known.joined(separator: ", "))"
    case .needsGradients(let method):
      "the method \(method) looks at gradients, and there are no labelled images to take them from"
    case .notReplayable(let method):
      "a plan by \(method) or of training cannot be replayed on the weights alone"
    case .emptied(let value):
      "all channels of '\(value)' would be removed; keep at least one"
    case .noScales(let method):
      method == ChannelCriterion.bnGamma.name
        ? "the method \(method) looks at the scales of batch normalisations, and this model has none "
          + "(they are folded into its convolutions): put them back first, or take the method l1"
        : "the method \(method) finds nothing to look at in this model"
    case .needsImages(let method):
      "the method \(method) looks at images, and there are none"
    case .noChannel(let obstacles): "no channel can be removed: \(obstacles)"
    case .unproved(let difference):
      "the pruned network differs by \(difference) from the whole one without the removed "
        + "channels; nothing is written: please report this model"
    case .otherModel(let reason):
      "the plan was made for another model: \(reason)"
    }
  }
}
