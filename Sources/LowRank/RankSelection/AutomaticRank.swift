extension RankRule {
  /// The rank that the factorisation itself chooses, see ``Factorization/automaticRank()``.
  public static let automatic = RankRule(text: "auto") { _, factorization in
    try factorization.automaticRank()
  }
}
