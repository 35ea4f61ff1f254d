/// Whether ranges are shared out between convolutions, and by what.
public enum EqualizationKind: String, CaseIterable, Codable, Sendable {
  /// By the channels' largest activations.
  case activations
  /// By the channels' largest weights.
  case weights
  /// Not at all.
  case none

  /// What ranges are taken from; `nil` where nothing is shared out.
  public var ranges: CrossLayerEqualization.Ranges? { .init(rawValue: rawValue) }
}
