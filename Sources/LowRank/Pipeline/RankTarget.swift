import Compression
import Execution

/// How ranks are chosen: for each layer by itself, or with a budget over all layers.
public enum RankTarget: Sendable {
  /// Each layer by itself.
  case rule(RankRule)
  /// A budget of multiply–accumulates that are left.
  case macs(MACBudget)
  /// The fraction of the model's parameters that is removed.
  case sparsity(Double)

  /// The text in a plan.
  var text: String {
    switch self {
    case .rule(let rule): rule.text
    case .macs(let budget): "target-macs=\(budget.text)"
    case .sparsity(let sparsity): "sparsity=\(sparsity)"
    }
  }

  /// Whether there is a budget over all layers.
  var isBudget: Bool { if case .rule = self { false } else { true } }

  /// Whether the budget is one of MACs; otherwise of parameters.
  var countsMacs: Bool { if case .macs = self { true } else { false } }

  /// The budget for the cost of a model.
  func budget(of cost: ModelCost) -> Double {
    switch self {
    case .rule: .infinity
    case .macs(let budget): Double(budget.count(of: cost.macs))
    case .sparsity(let sparsity): (1 - sparsity) * Double(cost.parameters)
    }
  }
}
