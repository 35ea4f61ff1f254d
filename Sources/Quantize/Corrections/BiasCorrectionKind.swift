/// How biases are moved so that layers answer in the mean what they answered before.
public enum BiasCorrectionKind: String, CaseIterable, Sendable {
  /// Not at all.
  case none
  /// Each layer by itself, see ``LocalBiasCorrection``.
  case local
  /// Layer by layer, see ``BiasCorrection``.
  case sequential
}
