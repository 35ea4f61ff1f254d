import Compression
import Execution

/// How ranks are chosen: of each layer by itself, or so that all layers share a budget out.
public enum RankTarget: Sendable {
  /// Each layer by itself.
  case rule(RankRule)
  /// At most so many multiply–accumulates are left.
  case macs(MACBudget)
  /// This fraction of the model's parameters goes.
  case sparsity(Double)

  /// What a plan says of it.
  var text: String {
    switch self {
    case .rule(let rule): rule.text
    case .macs(let budget): "target-macs=\(budget.text)"
    case .sparsity(let sparsity): "sparsity=\(sparsity)"
    }
  }

  /// Whether a budget is shared out.
  var isBudget: Bool { if case .rule = self { false } else { true } }

  /// Whether the budget is one of MACs; else of parameters.
  var countsMacs: Bool { if case .macs = self { true } else { false } }

  /// What a model may cost in all.
  func budget(of cost: ModelCost) -> Double {
    switch self {
    case .rule: .infinity
    case .macs(let budget): Double(budget.count(of: cost.macs))
    case .sparsity(let sparsity): (1 - sparsity) * Double(cost.parameters)
    }
  }
}

/// What a layer must gain to be factorised.
public enum GainQuantity: String, CaseIterable, Sendable {
  /// Time, measured on this machine.
  case latency
  /// Multiply–accumulates.
  case macs
  /// Parameters.
  case parameters
}

/// What a budget is shared out by.
public enum RankAllocation: Sendable, Equatable {
  /// The error of the weights.
  case error
  /// What each layer alone does to the network, kept in a file where one is given.
  case sensitivity(SensitivityMeter.Measure, file: String?)
}
