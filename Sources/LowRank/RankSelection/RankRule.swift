/// How the rank of a layer is chosen from the layer alone.
public struct RankRule: Sendable {
  /// The text in options, its number included.
  public var text: String
  /// Chooses among the layer's ranks.
  public var choose: @Sendable (FactorizableLayer, any Factorization) throws -> [Int]

  /// A rule of the given parts.
  public init(
    text: String, choose: @escaping @Sendable (FactorizableLayer, any Factorization) throws -> [Int]
  ) {
    (self.text, self.choose) = (text, choose)
  }

  /// Adds a rule, which is then found by its text.
  ///
  /// Rules with a number are added as a ``RankRuleForm``.
  public static func add(_ rule: RankRule, summary: String) {
    RankRuleForm.add(
      RankRuleForm(form: rule.text, summary: summary) { $0 == rule.text ? rule : nil })
  }

  /// The rule of a text, whose form says it; `nil` for a text that is no rule.
  public init?(_ text: String) {
    guard let rule = RankRuleForm.all.lazy.compactMap({ $0.rule(text) }).first else { return nil }
    self = rule
  }
}

extension Factorization {
  /// A rank whose numbers are multiples of `multiple`, rounded up, or the layer's largest.
  func rounded(_ rank: [Int], to multiple: Int) -> [Int] {
    let most = ranks.last ?? rank
    return zip(rank, most).map { min(($0 + multiple - 1) / multiple * multiple, max($0, $1)) }
  }
}
