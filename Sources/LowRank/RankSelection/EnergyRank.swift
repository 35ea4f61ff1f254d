extension RankRule {
  /// The least rank that keeps a part of the weights' squared norm: `‖W − Ŵ‖² ≤ (1 − e) ‖W‖²`.
  ///
  /// The error falls with the rank, so bisection finds it.
  public static func energy(_ kept: Double) -> RankRule {
    RankRule(text: "energy=\(kept)") { _, factorization in
      let ranks = factorization.ranks
      let bound = (1 - kept).squareRoot() + 1e-9
      var (low, high) = (0, ranks.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if try factorization.reconstructionError(ranks[middle]) <= bound {
          high = middle
        } else {
          low = middle + 1
        }
      }
      return ranks[low]
    }
  }
}

extension RankRuleForm {
  static let energy = RankRuleForm(
    name: "energy", example: 0.95,
    summary: "the least rank that keeps this part of the weights' squared norm",
    rule: RankRule.energy)
}
