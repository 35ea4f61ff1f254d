extension ChannelCriterion {
  /// Scores a channel by how often it fires: one minus the average percentage of zeros behind the
  /// activation.
  ///
  /// Reference: Hu et al., *Network Trimming*, arXiv:1607.03250. The paper counts the zeros of
  /// ReLU. SiLU, leaky and hard activations hardly ever give zero. So here a position counts as
  /// silent when its value is at most zero. For ReLU this is the same.
  public static let apoz = ChannelCriterion(
    name: "apoz", summary: "channels that are seldom above zero on the images go first",
    citation: "Hu et al., arXiv:1607.03250", need: .activations, comparesAcrossLayers: true,
    scores: { evidence, _ in evidence.activations?.silentFraction.map { 1 - $0 } })
}
