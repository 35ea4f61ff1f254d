extension WeightCriterion {
  /// Chooses and refits the weights of each layer by least squares on its input for images.
  ///
  /// The scores are those of ``magnitude``, for scopes that distribute zeros without images.
  ///
  /// Reference: see ``SecondOrderPruning``.
  public static let secondOrder = {
    var criterion = WeightCriterion(
      name: "obs",
      summary: "the zeros that least squares on images makes up for best, without labels",
      citation: "Frantar and Alistarh, NeurIPS 2022, arXiv:2208.11580",
      scores: { values, _ in values.map(\.magnitude) })
    criterion.needsImages = true
    return criterion
  }()
}
