extension ChannelCriterion {
  /// Chooses channels by LASSO on the responses of the layers that read them, and refits those
  /// layers' weights.
  ///
  /// Reference: He, Zhang and Sun, *Channel Pruning for Accelerating Very Deep Neural Networks*,
  /// ICCV 2017, arXiv:1707.06168; see `ChannelReconstruction`.
  public static let lasso = ChannelCriterion(
    name: "lasso",
    summary: "LASSO on the readers' responses chooses, least squares refits what stays",
    citation: "He, Zhang and Sun, ICCV 2017, arXiv:1707.06168", need: .reconstruction,
    scores: { _, _ in nil })
}
