extension ChannelCriterion {
  /// Scores a channel by the first-order effect of removing its filter on the loss: the sum over
  /// batches of `(Σ w · ∂L/∂w)²`.
  ///
  /// Reference: Molchanov et al., *Importance Estimation for Neural Network Pruning*, CVPR 2019,
  /// arXiv:1906.10771, equation 8 with the filter's weights as the set.
  public static let taylor = ChannelCriterion(
    name: "taylor", summary: "the least change of the loss goes first; trains on nothing",
    citation: "Molchanov et al., CVPR 2019, arXiv:1906.10771", need: .gradients,
    comparesAcrossLayers: true,
    scores: { evidence, _ in evidence.saliency?.taylor })
}
