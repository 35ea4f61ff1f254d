extension ChannelCriterion {
  /// Scores a channel by the sum over batches and weights of its filter's absolute gradients.
  ///
  /// Reference: Mozer and Smolensky, *Skeletonization*, NIPS 1988, in the form of plain gradient
  /// magnitude.
  public static let gradient = ChannelCriterion(
    name: "gradient", summary: "small gradients go first; trains on nothing",
    citation: "Mozer and Smolensky, NIPS 1988", need: .gradients,
    scores: { evidence, _ in evidence.saliency?.magnitude })
}
