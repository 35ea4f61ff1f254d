import Kernels
import Tensors

/// What calibration notes of one value over all images.
public struct ValueStatistics: Sendable, Equatable, Codable {
  /// The least finite number.
  public private(set) var lowest = Float.infinity
  /// The largest finite number.
  public private(set) var highest = -Float.infinity
  /// Means of the images' extremes, in which the first images fade; see ``smoothing``.
  public private(set) var smoothed = Extremes()
  /// How often each number came, when it is asked for.
  public private(set) var histogram: StreamingHistogram?
  /// How many images were seen.
  public private(set) var images = 0

  /// The ends of a range.
  public struct Extremes: Sendable, Equatable, Codable {
    /// The lower end.
    public var lowest: Float = 0
    /// The upper end.
    public var highest: Float = 0
  }

  /// How much of the moving averages each image replaces.
  public static let smoothing: Float = 0.05

  /// Statistics of nothing; with or without a histogram.
  public init(countsNumbers: Bool) {
    histogram = countsNumbers ? StreamingHistogram() : nil
  }

  /// Notes the value of one image; what is not finite is passed over.
  public mutating func add(_ numbers: UnsafeBufferPointer<Float>) {
    guard let base = numbers.baseAddress, !numbers.isEmpty else { return }
    var range = QuantizedElements.range(base, count: numbers.count, pool: ThreadPool(threads: 1))
    // NaN hides from comparisons: nothing but NaN looks like 0.
    let mayHide = range == 0...0 && !(base[0] == 0)
    if mayHide || !range.lowerBound.isFinite || !range.upperBound.isFinite {
      let finite = numbers.lazy.filter(\.isFinite)
      guard let low = finite.min(), let high = finite.max() else { return }
      range = low...high
    }
    lowest = min(lowest, range.lowerBound)
    highest = max(highest, range.upperBound)
    let share: Float = images == 0 ? 1 : Self.smoothing
    smoothed.lowest += share * (range.lowerBound - smoothed.lowest)
    smoothed.highest += share * (range.upperBound - smoothed.highest)
    images += 1
    histogram?.add(numbers, largest: max(abs(range.lowerBound), abs(range.upperBound)))
  }
}
