extension ChannelCriterion {
  /// Scores a channel by its mean absolute value after the activation.
  ///
  /// Reference: Molchanov et al., *Pruning Convolutional Neural Networks for Resource Efficient
  /// Inference*, ICLR 2017, arXiv:1611.06440, §2.2. Differs in taking absolute values; the paper's
  /// ReLU has no negative ones.
  public static let meanActivation = ChannelCriterion(
    name: "mean-activation", summary: "channels that are near zero on the images go first",
    citation: "Molchanov et al., ICLR 2017, arXiv:1611.06440, §2.2", need: .activations,
    scores: { evidence, _ in
      evidence.activations?.meanMagnitude
    })
}
