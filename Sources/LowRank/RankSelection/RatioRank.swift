extension RankRule {
  /// The largest rank whose factors have at most a part of the layer's weights, or the smallest
  /// rank when none has.
  public static func ratio(_ part: Double) -> RankRule {
    RankRule(text: "ratio=\(part)") { layer, factorization in
      let most = part * Double(layer.parameters)
      return factorization.ranks.last {
        Double(factorization.stages($0).parameters) <= most
      } ?? factorization.ranks[0]
    }
  }
}
