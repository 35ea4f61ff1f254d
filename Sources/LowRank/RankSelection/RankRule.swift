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

  /// The forms in options, with their meaning.
  public static let forms: [(form: String, summary: String)] = [
    ("auto", "what the weights themselves suggest, mostly by variational Bayes"),
    ("energy=0.95", "the least rank that keeps this part of the weights' squared norm"),
    ("ratio=0.5", "the largest whose factors have this part of the layer's weights"),
    ("64", "the same in every layer"),
  ]

  /// The rule of a text; `nil` for a text that is not a rule.
  public init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    if text == "auto" {
      self = .automatic
    } else if parts.count == 2, let value = Double(parts[1]), value > 0, value <= 1 {
      switch parts[0] {
      case "energy": self = .energy(value)
      case "ratio": self = .ratio(value)
      default: return nil
      }
    } else if let rank = Int(text), rank > 0 {
      self = .fixed(rank)
    } else {
      return nil
    }
  }
}

extension Factorization {
  /// A rank whose numbers are multiples of `multiple`, rounded up, or the layer's largest.
  func rounded(_ rank: [Int], to multiple: Int) -> [Int] {
    let most = ranks.last ?? rank
    return zip(rank, most).map { min(($0 + multiple - 1) / multiple * multiple, max($0, $1)) }
  }
}
