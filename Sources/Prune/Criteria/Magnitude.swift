extension WeightCriterion {
  /// Scores a weight by its absolute value.
  ///
  /// Reference: Han et al., *Learning both Weights and Connections for Efficient Neural Networks*,
  /// NIPS 2015, arXiv:1506.02626. Differs from the paper in ranking by a target sparsity instead of
  /// a threshold of a number of standard deviations of the layer's weights.
  public static let magnitude = WeightCriterion(
    name: "magnitude", summary: "small absolute values go first",
    citation: "Han et al., NIPS 2015, arXiv:1506.02626",
    scores: { values, _ in values.map(\.magnitude) })
}
