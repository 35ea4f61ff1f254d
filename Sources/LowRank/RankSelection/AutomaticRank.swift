extension RankRule {
  /// The rank that the factorisation itself chooses, see ``Factorization/automaticRank()``.
  public static let automatic = RankRule(text: "auto") { _, factorization in
    try factorization.automaticRank()
  }
}

extension RankRuleForm {
  static let automatic = RankRuleForm(
    form: "auto", summary: "what the weights themselves suggest, mostly by variational Bayes"
  ) { $0 == "auto" ? .automatic : nil }
}
