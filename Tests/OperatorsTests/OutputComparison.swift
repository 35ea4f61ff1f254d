import Tensors

/// How far a computed output may lie from the expected one.
enum OutputComparison {
  /// Normalised max error of floats: rounding of sums and of fast exponentials.
  static let rounding = 2e-6
  /// The same for halves.
  static let halfRounding = 1e-3
  /// One step of an integer: a quantised value whose real lies near the middle of two steps.
  static let integerStep = 1.0

  /// What is wrong with `found`, or `nil` when it agrees with `expected`.
  static func problem(_ found: Tensor, _ expected: Tensor, tolerance: String?) -> String? {
    guard found.type == expected.type else { return "\(found.type) instead of \(expected.type)" }
    guard found.elementType != .string else { return found == expected ? nil : "strings differ" }
    let (a, b) = (found.doubles, expected.doubles)
    let bound: Double
    switch (tolerance, found.elementType) {
    case ("exact", _): bound = 0
    case ("integerStep", _): bound = integerStep
    case (_, .float16), (_, .bfloat16): bound = halfRounding * scale(b)
    case (_, .float32), (_, .float64): bound = rounding * scale(b)
    default: bound = 0
    }
    for index in a.indices where !agree(a[index], b[index], bound) {
      return "element \(index) is \(a[index]) instead of \(b[index])"
    }
    return nil
  }

  private static func scale(_ values: [Double]) -> Double {
    values.lazy.filter(\.isFinite).map(abs).reduce(1, max)
  }

  private static func agree(_ a: Double, _ b: Double, _ bound: Double) -> Bool {
    a == b || (a.isNaN && b.isNaN) || abs(a - b) <= bound
  }
}
