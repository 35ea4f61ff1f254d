/// Spans all that was seen: nothing is clipped, and one outlier widens every step.
///
/// Reference: Jacob et al., CVPR 2018, arXiv:1712.05877, §3.1, who smooth the ends over training steps instead.
public struct MinMaxObserver: Observer {
  /// The name users type: `minmax`.
  public static let name = "minmax"

  private var lowest = Float.infinity
  private var highest = -Float.infinity

  /// An observer that has seen nothing.
  public init() {}

  /// Widens the span; infinities and NaN are passed over.
  public mutating func observe(_ elements: some Sequence<Float>) {
    for element in elements where element.isFinite {
      lowest = min(lowest, element)
      highest = max(highest, element)
    }
  }

  /// From the least to the greatest element.
  ///
  /// - Throws: ``CalibrationError/nothingObserved``.
  public func range() throws -> ClosedRange<Float> {
    guard lowest <= highest else { throw CalibrationError.nothingObserved }
    return lowest...highest
  }
}
