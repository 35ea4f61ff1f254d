extension WeightCriterion {
  /// Scores a weight by how far training moves it away from zero: the sum over steps of `−w ·
  /// ∂L/∂w`.
  ///
  /// Reference: Sanh et al., *Movement Pruning*, NeurIPS 2020, arXiv:2005.07683, §3. The weights
  /// themselves are trained where the paper learns scores by a straight-through estimator, which
  /// its appendix shows to be the same sum.
  public static let movement = WeightCriterion(
    name: "movement", summary: "weights that training moves towards zero go first; needs data",
    citation: "Sanh et al., NeurIPS 2020, arXiv:2005.07683",
    saliency: { weight, gradient in -weight * gradient })
}
