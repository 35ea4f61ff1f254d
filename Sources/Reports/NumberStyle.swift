import Foundation

/// How a number is printed in tables for people.
public enum NumberStyle: Sendable {
  case count, percent, megabytes, milliseconds, metric

  /// The number in this style; −1 stands for an undefined metric.
  public func text(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    switch self {
    case .count: return Self.grouped(Int(value))
    case .percent: return String(format: "%.2f %%", 100 * value)
    case .megabytes: return String(format: "%.3f", value / 1e6)
    case .milliseconds: return String(format: "%.2f", value)
    case .metric: return value < 0 ? "–" : String(format: "%.4f", value)
    }
  }

  /// The change of a value against the baseline's: a factor for costs, a difference otherwise.
  public func change(_ value: Double?, from base: Double?) -> String {
    guard let value, let base, value.isFinite, base.isFinite else { return "–" }
    switch self {
    case .percent: return String(format: "%+.2f points", 100 * (value - base))
    case .metric: return value < 0 || base < 0 ? "–" : String(format: "%+.4f", value - base)
    default: return base == 0 ? "–" : String(format: "× %.3f", value / base)
    }
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
