/// The loss by which a budget of MACs or parameters is distributed over layers.
public enum RankAllocation: String, CaseIterable, Codable, Sendable {
  /// The relative error of each layer's weights.
  case error
  /// The damage of factorising each layer alone.
  case sensitivity
}
