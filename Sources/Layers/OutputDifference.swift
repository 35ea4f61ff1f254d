import Tensors

/// How far two runs of a network are apart.
public enum OutputDifference {
  /// The largest absolute difference of each output, in parts of the expected output's largest absolute value.
  ///
  /// What is missing, of another type, or not a number on one side only is infinitely far.
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
    let scale = a.reduce(0) { max($0, $1.magnitude) }
    let largest = zip(a, b).reduce(0) { largest, pair in
      pair.0.isNaN != pair.1.isNaN ? .infinity : max(largest, (pair.0 - pair.1).magnitude)
    }
    return scale > 0 ? largest / scale : largest
  }
}
