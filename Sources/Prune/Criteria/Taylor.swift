extension WeightCriterion {
  /// Scores a weight by the first-order effect of removing it on the loss: the sum over batches of
  /// `(w · ∂L/∂w)²`.
  ///
  /// Reference: Molchanov et al., *Importance Estimation for Neural Network Pruning*, CVPR 2019,
  /// arXiv:1906.10771. The paper scores channels; here single weights are scored.
  public static let taylor = WeightCriterion(
    name: "taylor", summary: "the least change of the loss goes first; needs data",
    citation: "Molchanov et al., CVPR 2019, arXiv:1906.10771",
    saliency: { weight, gradient in
      let product = weight * gradient
      return product * product
    })
}
