extension ChannelCriterion {
  /// Scores channels at random: the baseline that every criterion has to beat.
  public static let random = ChannelCriterion(
    name: "random", summary: "channels go in a seeded random order; a baseline",
    citation: "", need: .weights, comparesAcrossLayers: true,
    scores: { evidence, random in
      evidence.filters.map { _ in Double.random(in: 0x1p-24..<1, using: &random) }
    })
}
