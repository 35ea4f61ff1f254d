extension ChannelCriterion {
  /// Scores a channel by the L2 norm of its filter.
  ///
  /// Reference: Li et al., *Pruning Filters for Efficient ConvNets*, ICLR 2017, arXiv:1608.08710,
  /// which compares both norms.
  public static let l2 = ChannelCriterion(
    name: "l2", summary: "small Euclidean norms of the weights go first",
    citation: "Li et al., ICLR 2017, arXiv:1608.08710, §4.4", need: .weights,
    scores: { evidence, _ in
      evidence.filters.map { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
    })
}
