/// The multiply–accumulates that a network may have: a part of its present number, or a number.
public struct MACBudget: Sendable, Equatable, ExpressibleByFloatLiteral {
  private enum Amount: Sendable, Equatable {
    case fraction(Double)
    case count(Int)
  }

  /// The budget as it was written.
  public let text: String
  private let amount: Amount

  /// A part of the network's own, 0 … 1.
  public init(fraction: Double) { (text, amount) = ("\(fraction)", .fraction(fraction)) }

  /// A part of the network's own, 0 … 1.
  public init(floatLiteral value: Double) { self.init(fraction: value) }

  /// A number of multiply–accumulates.
  public init(count: Int) { (text, amount) = ("\(count)", .count(count)) }

  /// A fraction below 1, or a number such as `300M` or `0.4G`; `nil` for anything else.
  public init?(_ text: String) {
    let scale: [Character: Double] = ["k": 1e3, "M": 1e6, "G": 1e9]
    let factor = text.last.flatMap { scale[$0] }
    guard let number = Double(factor == nil ? text : String(text.dropLast())), number > 0,
      number.isFinite, number * (factor ?? 1) < 1e18
    else { return nil }
    self.text = text
    amount =
      factor == nil && number < 1 ? .fraction(number) : .count(Int(number * (factor ?? 1)))
  }

  /// The number, for a network that takes `whole`.
  public func count(of whole: Int) -> Int {
    switch amount {
    case .fraction(let fraction): Int(fraction * Double(whole))
    case .count(let count): count
    }
  }
}
