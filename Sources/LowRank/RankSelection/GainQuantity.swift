/// What a layer must gain to be factorised.
public enum GainQuantity: String, CaseIterable, Codable, Sendable {
  /// The time that its nodes take on this machine.
  case latency
  /// Multiply–accumulates.
  case macs
  /// Weights.
  case parameters
}
