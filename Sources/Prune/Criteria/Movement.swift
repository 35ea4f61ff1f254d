extension WeightCriterion {
  /// Scores a weight by how far training moves it away from zero: the sum over steps of
  /// `−w · ∂L/∂w`.
  ///
  /// Reference: Sanh et al., *Movement Pruning*, NeurIPS 2020, arXiv:2005.07683, §3. The paper
  /// learns scores by a straight-through estimator. Here the weights themselves are trained, which
  /// gives the same sum, as its appendix shows.
  public static let movement = WeightCriterion(
    name: "movement", summary: "weights that training moves towards zero go first; needs data",
    citation: "Sanh et al., NeurIPS 2020, arXiv:2005.07683",
    saliency: { weight, gradient in -weight * gradient })
}
