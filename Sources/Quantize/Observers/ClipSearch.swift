import Tensors

/// Looks for the range with the least cost by drawing in one end, then the other.
struct ClipSearch {
  /// Ranges that are tried at each end.
  static let candidates = 48
  /// The least part of the full extent that is tried.
  static let least: Float = 0.15

  /// The best range within what was seen.
  ///
  /// The end with the larger magnitude goes first. An end beyond which there is nothing, or that
  /// lies on the far side of 0, is left alone.
  static func best(
    _ statistics: ValueStatistics, _ cost: (ClosedRange<Float>) -> Double
  ) -> ClosedRange<Float> {
    var best = min(statistics.lowest, 0)...max(statistics.highest, 0)
    var least = cost(best)
    let upperFirst = best.upperBound >= -best.lowerBound
    for isUpper in [upperFirst, !upperFirst] {
      let full = best
      guard isUpper ? full.upperBound > 0 : full.lowerBound < 0 else { continue }
      for step in 1..<candidates {
        let part = 1 - (1 - Self.least) * Float(step) / Float(candidates - 1)
        let range =
          isUpper
          ? full.lowerBound...full.upperBound * part : full.lowerBound * part...full.upperBound
        let value = cost(range)
        if value < least { (least, best) = (value, range) }
      }
    }
    return best
  }
}
