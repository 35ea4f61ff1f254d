import Tensors

/// How far two runs of a network are apart.
public enum OutputDifference {
  /// The largest absolute difference of each output, in parts of the expected output's largest absolute value.
  ///
  /// What is missing, of another type, or not finite on one side only is infinitely far; two NaN, or
  /// infinities of one sign, are not apart.
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
