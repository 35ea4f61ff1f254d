/// Whether the ranges of channels are equalised between convolutions, and by what.
public enum EqualizationKind: String, CaseIterable, Codable, Sendable {
  /// By the channels' largest activations.
  case activations
  /// By the channels' largest weights; needs no images.
  case weights
  /// Not at all.
  case none
}
