extension WeightCriterion {
  /// Scores a weight by the sum over batches of its gradient's absolute value.
  ///
  /// Reference: Mozer and Smolensky, *Skeletonization*, NIPS 1988, in the form of plain gradient
  /// magnitude.
  public static let gradient = WeightCriterion(
    name: "gradient", summary: "small gradients go first; needs data",
    citation: "Mozer and Smolensky, NIPS 1988",
    saliency: { _, gradient in gradient.magnitude })
}
