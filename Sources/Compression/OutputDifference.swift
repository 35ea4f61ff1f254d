import Tensors

/// Measures of the difference between two runs of a network.
public enum OutputDifference {
  /// `Σ (y − y₀)² / Σ (y₀ − ȳ₀)²`; infinite where one side alone is not finite.
  public static func relativeSquaredError(_ expected: [Double], _ found: [Double]) -> Double {
    let finite = expected.filter(\.isFinite)
    let mean = finite.reduce(0, +) / Double(max(finite.count, 1))
    let variation = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    var error = 0.0
    for (a, b) in zip(expected, found) where a != b && !(a.isNaN && b.isNaN) {
      guard a.isFinite, b.isFinite else { return .infinity }
      error += (a - b) * (a - b)
    }
    return variation > 0 ? error / variation : 0
  }

  /// The largest absolute difference of each output, divided by the expected output's largest
  /// absolute value.
  ///
  /// The difference is infinite for an output that is missing, has another type, or is not finite
  /// on one side only. Two NaN, or infinities of one sign, do not differ.
  public static func byName(
    _ expected: [String: Tensor], _ found: [String: Tensor]
  ) -> [String: Double] {
    expected.reduce(into: [:]) { errors, output in
      guard let other = found[output.key], other.type == output.value.type else {
        errors[output.key] = .infinity
        return
      }
      errors[output.key] = between(output.value.doubles, other.doubles)
    }
  }

  /// `√(mean (a − b)²)` as a part of `max a − min a`, or of `max |a|` where a is constant; infinite
  /// where types differ or where only one of the two is NaN.
  public static func ofRange(_ expected: Tensor, _ found: Tensor) -> Double {
    guard expected.type == found.type, expected.elementType != .string else { return .infinity }
    let (a, b) = (expected.doubles, found.doubles)
    var (sum, lowest, highest) = (0.0, Double.infinity, -Double.infinity)
    for (x, y) in zip(a, b) where x != y && !(x.isNaN && y.isNaN) {
      guard x.isFinite, y.isFinite else { return .infinity }
      sum += (x - y) * (x - y)
    }
    guard sum > 0 else { return 0 }
    for x in a where x.isFinite { (lowest, highest) = (min(lowest, x), max(highest, x)) }
    let range = highest > lowest ? highest - lowest : abs(highest)
    return (sum / Double(a.count)).squareRoot() / max(range, .leastNormalMagnitude)
  }

  private static func between(_ a: [Double], _ b: [Double]) -> Double {
    var (scale, largest) = (0.0, 0.0)
    for (x, y) in zip(a, b) {
      if x.isFinite { scale = max(scale, x.magnitude) }
      if x == y || x.isNaN && y.isNaN { continue }
      guard x.isFinite, y.isFinite else { return .infinity }
      largest = max(largest, (x - y).magnitude)
    }
    return scale > 0 ? largest / scale : largest
  }
}
