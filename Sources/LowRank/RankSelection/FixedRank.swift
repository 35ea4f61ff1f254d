extension RankRule {
  /// The same rank in every layer, or the largest that a layer has.
  public static func fixed(_ rank: Int) -> RankRule {
    RankRule(text: "\(rank)") { _, factorization in
      let ranks = factorization.ranks
      let fitting = ranks.filter { $0[0] == rank }
      if let exact = fitting.last { return exact }
      // Numbers of groups are ordered downwards. Otherwise the next smaller rank is taken.
      return ranks.last { $0[0] <= rank } ?? ranks[0]
    }
  }
}

extension RankRuleForm {
  static let fixed = RankRuleForm(form: "64", summary: "the same in every layer") { text in
    Int(text).flatMap { $0 > 0 ? .fixed($0) : nil }
  }
}
