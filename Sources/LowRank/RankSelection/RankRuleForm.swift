import GraphIR

/// A form in which a text says a ``RankRule``, for example `energy=0.95`.
public struct RankRuleForm: Sendable {
  /// An example of the form.
  public var form: String
  /// The meaning, for help texts.
  public var summary: String
  /// The rule of a text; `nil` for texts of other forms.
  public var rule: @Sendable (String) -> RankRule?

  /// A form of the given parts.
  public init(form: String, summary: String, rule: @escaping @Sendable (String) -> RankRule?) {
    (self.form, self.summary, self.rule) = (form, summary, rule)
  }

  /// A form `name=number`, with a number above 0 and at most 1.
  public init(
    name: String, example: Double, summary: String,
    rule: @escaping @Sendable (Double) -> RankRule
  ) {
    self.init(form: "\(name)=\(example)", summary: summary) { text in
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, parts[0] == name, let value = Double(parts[1]), value > 0, value <= 1
      else { return nil }
      return rule(value)
    }
  }

  /// Every form, in the order of help texts: those of the library, then added ones.
  public static var all: [RankRuleForm] { builtIn + additions.all }

  /// Adds a form, whose texts are then rules.
  public static func add(_ form: RankRuleForm) { additions.add(form) }

  private static let additions = Additions<RankRuleForm>()
  private static let builtIn: [RankRuleForm] = [automatic, energy, ratio, fixed]
}
