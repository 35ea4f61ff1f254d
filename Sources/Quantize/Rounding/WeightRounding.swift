/// How weights are rounded to integers.
public enum WeightRounding: String, CaseIterable, Sendable {
  /// To the nearest.
  case nearest
  /// Learnt up or down, see ``AdaptiveRounding``.
  case adaptive
}
