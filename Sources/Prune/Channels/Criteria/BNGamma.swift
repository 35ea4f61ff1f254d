extension ChannelCriterion {
  /// Scores a channel by the absolute value of its γ.
  ///
  /// Reference: Liu et al., *Learning Efficient Convolutional Networks through Network Slimming*,
  /// ICCV 2017, arXiv:1708.06519. A layer without a batch normalisation of its own has no score and
  /// keeps its channels unless others score them.
  public static let bnGamma = ChannelCriterion(
    name: "bn-gamma", summary: "small scales of the batch normalisation go first",
    citation: "Liu et al., ICCV 2017, arXiv:1708.06519", need: .scales, comparesAcrossLayers: true,
    scores: { evidence, _ in
      evidence.scales.map { $0.map { Double($0.magnitude) } }
    })
}
