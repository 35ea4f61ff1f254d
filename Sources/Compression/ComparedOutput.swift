/// The differences between the elements of an output and those of a reference.
///
/// Two NaN, or two equal infinities, do not differ, as in `numpy.testing`.
package struct ComparedOutput: Encodable, Equatable {
  package var name: String
  /// The number of elements.
  package var count: Int
  /// max |a − b| / max |b| over finite b; infinite where ``nonFinite`` is not 0.
  package var normalizedMaxError: Double
  /// mean |a − b| / max |b|; infinite likewise.
  package var normalizedMeanError: Double
  /// Elements that are NaN or infinite on one side and something else on the other.
  package var nonFinite = 0

  /// Compares elements one by one.
  package init(_ name: String, _ values: [Double], reference: [Double]) {
    (self.name, count) = (name, values.count)
    var (scale, largest, sum) = (Double.leastNormalMagnitude, 0.0, 0.0)
    for (value, expected) in zip(values, reference) {
      if expected.isFinite { scale = max(scale, abs(expected)) }
      if value == expected || value.isNaN && expected.isNaN { continue }
      guard value.isFinite, expected.isFinite else {
        nonFinite += 1
        continue
      }
      let difference = abs(value - expected)
      largest = max(largest, difference)
      sum += difference
    }
    let isBroken = nonFinite > 0
    normalizedMaxError = isBroken ? .infinity : largest / scale
    normalizedMeanError = isBroken ? .infinity : sum / Double(max(count, 1)) / scale
  }
}
