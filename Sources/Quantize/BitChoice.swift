/// How many bits weights and activations have.
public enum BitChoice: Sendable, Equatable {
  /// So many.
  case bits(Int)
  /// The fewest that accuracy allows.
  case automatic

  /// The choice that a text means: a number or `auto`.
  public init?(_ text: String) {
    if text == "auto" {
      self = .automatic
    } else if let number = Int(text) {
      self = .bits(number)
    } else {
      return nil
    }
  }

  /// The number; `nil` where it is to be found.
  public var number: Int? {
    if case .bits(let number) = self { number } else { nil }
  }
}
