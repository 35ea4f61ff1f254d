extension ChannelCriterion {
  /// Scores a channel by the L1 norm of its filter.
  ///
  /// Reference: Li et al., *Pruning Filters for Efficient ConvNets*, ICLR 2017, arXiv:1608.08710.
  public static let l1 = ChannelCriterion(
    name: "l1", summary: "small sums of absolute weights go first",
    citation: "Li et al., ICLR 2017, arXiv:1608.08710", need: .weights,
    scores: { evidence, _ in
      evidence.filters.map { $0.reduce(0) { $0 + Double($1.magnitude) } }
    })
}
