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

extension RankRuleForm {
  static let ratio = RankRuleForm(
    name: "ratio", example: 0.5,
    summary: "the largest whose factors have this part of the layer's weights",
    rule: RankRule.ratio)
}
