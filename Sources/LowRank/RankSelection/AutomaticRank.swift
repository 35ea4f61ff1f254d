extension RankRule {
  /// The rank that the factorisation itself suggests, see ``Factorization/automaticRank()``.
  public static let automatic = RankRule(text: "auto") { _, factorization in
    try factorization.automaticRank()
  }
}
