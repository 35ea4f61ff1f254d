import Foundation

/// How a number is printed in tables for people.
public enum NumberStyle: Sendable {
  case count, percent, megabytes, milliseconds, millijoules, rate, bits, metric

  /// The number in this style; −1 stands for an undefined metric.
  public func text(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    switch self {
    case .count: return Self.grouped(Int(value))
    case .percent: return String(format: "%.2f %%", 100 * value)
    case .megabytes: return String(format: "%.3f", value / 1e6)
    case .milliseconds: return String(format: "%.2f", value)
    case .millijoules: return String(format: "%.4f", value)
    case .rate: return String(format: "%.1f", value)
    case .bits: return String(format: "%.2f", value)
    case .metric: return value < 0 ? "–" : String(format: "%.4f", value)
    }
  }

  /// The change of a value against the baseline's: a factor for costs, a difference otherwise.
  public func change(_ value: Double?, from base: Double?) -> String {
    guard let value, let base, value.isFinite, base.isFinite else { return "–" }
    switch self {
    case .percent, .metric: return difference(value, from: base)
    default: return base == 0 ? "–" : String(format: "× %.3f", value / base)
    }
  }

  /// The difference between a value and the baseline's, in the style's unit.
  public func difference(_ value: Double?, from base: Double?) -> String {
    guard let value, let base, value.isFinite, base.isFinite else { return "–" }
    let change = value - base
    switch self {
    case .percent: return String(format: "%+.2f points", 100 * change)
    case .metric: return value < 0 || base < 0 ? "–" : Self.signed(change)
    case .count: return change == 0 ? "0" : (change > 0 ? "+" : "") + Self.grouped(Int(change))
    default:
      let size = text(change.magnitude)
      return (change < 0 ? "-" : "+") + size
    }
  }

  /// The least metric or fraction of which a part says anything.
  private static let leastShare = 0.005

  /// The difference in percent of the baseline's value; a dash where that is next to nothing.
  public func relative(_ value: Double?, from base: Double?) -> String {
    guard let value, let base, value.isFinite, base.isFinite, base > 0, value >= 0 else {
      return "–"
    }
    if self == .metric || self == .percent, base < Self.leastShare { return "–" }
    return String(format: "%+.1f %%", 100 * (value - base) / base)
  }

  /// A difference of metrics with its sign.
  static func signed(_ value: Double) -> String { String(format: "%+.4f", value) }

  /// A probability.
  static func probability(_ value: Double) -> String {
    value < 0.001 ? "< 0.001" : String(format: "= %.3f", value)
  }

  private static func grouped(_ value: Int) -> String {
    var text = String(value.magnitude)
    var index = text.count - 3
    while index > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: index))
      index -= 3
    }
    return value < 0 ? "-" + text : text
  }
}
