extension WeightCriterion {
  /// Scores weights at random: the baseline that every criterion has to beat.
  ///
  /// Weights that are zero already score 0, so they count towards the target first.
  public static let random = WeightCriterion(
    name: "random", summary: "weights go in a seeded random order; a baseline",
    citation: "",
    scores: { values, random in
      values.map { value in
        let score = Float.random(in: 0x1p-24..<1, using: &random)
        return value == 0 ? 0 : score
      }
    })
}
