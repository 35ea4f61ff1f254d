/// How far two results may lie apart: a bound on the normalised max error.
public struct Tolerance: Sendable {
  /// The bound.
  public var bound: Double

  /// A tolerance of the given bound.
  public init(bound: Double) { self.bound = bound }

  /// Not at all.
  public static let exact = Tolerance(bound: 0)
  /// Sums of float32 in another order.
  public static let rounding = Tolerance(bound: 2e-6)
  /// Transcendental functions by polynomials.
  public static let fastMath = Tolerance(bound: 1e-5)
  /// Derivatives by central differences of float32 functions.
  public static let finiteDifference = Tolerance(bound: 1e-3)
  /// Numbers of a metric against its reference implementation.
  public static let metric = Tolerance(bound: 1e-9)
  /// Box edges in pixels that went through float32 logits and back.
  public static let boxEdge = Tolerance(bound: 5e-3)
  /// Whole networks against another engine.
  public static let network = Tolerance(bound: 1e-4)
}

/// `max |a − b| / max |b|`, 0 for empty or equal inputs; infinite when a NaN or infinity stands in
/// one only.
public func normalizedMaxError<Element: BinaryFloatingPoint>(
  _ a: some Collection<Element>, _ b: some Collection<Element>
) -> Double {
  precondition(a.count == b.count, "\(a.count) elements against \(b.count)")
  var difference = 0.0
  var scale = 0.0
  for (x, y) in zip(a, b) {
    if x == y || (x.isNaN && y.isNaN) { continue }
    guard x.isFinite, y.isFinite else { return .infinity }
    difference = max(difference, abs(Double(x) - Double(y)))
  }
  for y in b where y.isFinite { scale = max(scale, abs(Double(y))) }
  return difference == 0 ? 0 : difference / max(scale, .leastNormalMagnitude)
}
