import Foundation

extension Observer {
  /// The range whose quantised histogram has the least Kullback–Leibler divergence from the full
  /// one.
  ///
  /// P is the histogram within the range with what is clipped added to its ends; Q spreads the
  /// counts of each step evenly over its bins that hold any. Reference: Migacz, "8-bit inference
  /// with TensorRT", GTC 2017; there the range is one of magnitudes, here each end is drawn in by
  /// itself.
  public static let entropy = Observer(
    name: "entropy", summary: "least divergence of the histogram", needsHistogram: true
  ) { statistics, scheme in
    guard let histogram = statistics.histogram else {
      return statistics.lowest...statistics.highest
    }
    let levels = scheme.activationRange.count
    return ClipSearch.best(statistics) { divergence(histogram, $0, levels: levels) }
  }

  private static func divergence(
    _ histogram: StreamingHistogram, _ range: ClosedRange<Float>, levels: Int
  ) -> Double {
    func bin(_ value: Float) -> Int {
      let place = Int((value / histogram.width).rounded(.down)) + StreamingHistogram.half
      return max(0, min(histogram.counts.count - 1, place))
    }
    let (first, last) = (bin(range.lowerBound), bin(range.upperBound))
    let inner = histogram.counts[first...last].map(Double.init)
    var p = inner
    p[0] += Double(histogram.counts[..<first].reduce(0, +))
    p[p.count - 1] += Double(histogram.counts[(last + 1)...].reduce(0, +))
    var q = [Double](repeating: 0, count: p.count)
    let steps = min(levels, p.count)
    for step in 0..<steps {
      let bins = p.count * step / steps..<p.count * (step + 1) / steps
      let filled = bins.filter { p[$0] > 0 }
      guard !filled.isEmpty else { continue }
      let mean = bins.reduce(0) { $0 + inner[$1] } / Double(filled.count)
      for bin in filled { q[bin] = mean }
    }
    let (ofP, ofQ) = (p.reduce(0, +), q.reduce(0, +))
    guard ofP > 0, ofQ > 0 else { return .infinity }
    // A count of P where Q has none costs as much as a count of one ten-thousandth of Q's mean.
    let floor = 1e-4 / Double(p.count)
    return zip(p, q).reduce(0) { sum, pair in
      guard pair.0 > 0 else { return sum }
      return sum + pair.0 / ofP * log(pair.0 / ofP / max(pair.1 / ofQ, floor))
    }
  }
}
