extension ChannelCriterion {
  /// Removes the channels that the layers reading them can best do without, and refits those
  /// layers' weights.
  ///
  /// Reference: Meng et al., *OSSCAR: One-Shot Structured Pruning in Vision and Language Models
  /// with Combinatorial Optimization*, ICML 2024, arXiv:2403.12983; see `ChannelElimination`.
  public static let secondOrder = ChannelCriterion(
    name: "obs",
    summary: "the least loss of the readers once they are refitted by least squares",
    citation: "Hassibi and Stork, NIPS 1992; Meng et al., ICML 2024, arXiv:2403.12983",
    need: .moments, scores: { _, _ in nil })
}
