import Foundation

/// One axis of a chart: the positions of values and ticks.
struct AxisScale {
  /// The position of the lower end.
  let from: Double
  /// The position of the upper end.
  let to: Double
  /// The values that are marked.
  let ticks: [Double]
  private let lowest: Double
  private let highest: Double
  private let isLogarithmic: Bool

  /// An axis over the given values, with ends at round numbers.
  init(_ values: [Double], from: Double, to: Double, _ axis: LineChart.Axis = .linear) {
    (self.from, self.to) = (from, to)
    self.isLogarithmic = axis == .logarithmic && values.allSatisfy { $0 > 0 }
    let least = values.min() ?? 0
    let most = values.max() ?? 1
    if self.isLogarithmic {
      let all = Self.decades(least, most)
      (lowest, highest) = (min(all[0], least), max(all[all.count - 1], most))
      ticks = all.filter { $0 >= least / 1.5 && $0 <= most * 1.5 }
    } else {
      let range = most > least ? most - least : max(most.magnitude, 1)
      let step = max(Self.roundStep(range / 5), axis == .counted ? 1 : 0)
      let start = (least / step).rounded(.down)
      let end = max((most / step).rounded(.up), start + 1)
      (lowest, highest) = (start * step, end * step)
      ticks = (0...Int(end - start)).map { (start + Double($0)) * step }
    }
  }

  /// 1, 2 and 5 times powers of ten around a range.
  private static func decades(_ least: Double, _ most: Double) -> [Double] {
    let powers = Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))
    let all = powers.flatMap { power in [1, 2, 5].map { $0 * pow(10, Double(power)) } }
    let first = all.lastIndex { $0 <= least } ?? 0
    let last = all.firstIndex { $0 >= most } ?? all.count - 1
    return Array(all[first...max(first, last)])
  }

  private static func roundStep(_ raw: Double) -> Double {
    let power = pow(10, log10(raw).rounded(.down))
    let lead = raw / power
    return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power
  }

  /// The position of a value.
  func place(_ value: Double) -> Double {
    func position(_ value: Double) -> Double { isLogarithmic ? log10(max(value, 1e-300)) : value }
    let part = (position(value) - position(lowest)) / (position(highest) - position(lowest))
    return from + part * (to - from)
  }

  /// A tick's number.
  func label(_ value: Double) -> String {
    if value == 0 { return "0" }
    if value.magnitude >= 1e6 { return Self.trimmed(value / 1e6) + "M" }
    if value.magnitude >= 1e4 { return Self.trimmed(value / 1e3) + "k" }
    return Self.trimmed(value)
  }

  private static func trimmed(_ value: Double) -> String {
    var text = String(format: "%.6g", value)
    if text.contains("."), !text.contains("e") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }
}
