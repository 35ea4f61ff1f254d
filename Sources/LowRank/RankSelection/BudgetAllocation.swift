/// What a budget of MACs or parameters is shared out by.
public enum BudgetAllocation: String, CaseIterable, Codable, Sendable {
  /// The relative error of each layer's weights.
  case error
  /// What factorising each layer alone does to the outputs, or to mAP.
  case sensitivity
}
