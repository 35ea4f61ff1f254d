import Kernels

/// Counts of numbers in bins of equal width, whose memory and result do not depend on how the
/// numbers come.
///
/// Bins begin at whole multiples of a width that is a power of two. When a number lies outside, the
/// width doubles and neighbouring bins are merged, which is exact: the counts depend on the set of
/// numbers only, not on their order, on batches or on threads.
public struct StreamingHistogram: Sendable, Equatable, Codable {
  /// Bins on either side of 0.
  public static let half = 2048
  /// Numbers in each bin; bin `i` holds `(i − half) · width ..< (i − half + 1) · width`.
  public private(set) var counts = [UInt64](repeating: 0, count: 2 * Self.half)
  private var exponent = -24

  /// No numbers yet.
  public init() {}

  private enum CodingKeys: String, CodingKey { case exponent, first, counts }

  /// Reads the counts from the first to the last bin that is not empty.
  ///
  /// - Throws: `DecodingError` when they are not those of a histogram.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    exponent = try values.decode(Int.self, forKey: .exponent)
    let first = try values.decode(Int.self, forKey: .first)
    let filled = try values.decode([UInt64].self, forKey: .counts)
    guard first >= 0, filled.count <= counts.count - first, (-24...256).contains(exponent) else {
      throw DecodingError.dataCorruptedError(
        forKey: .counts, in: values, debugDescription: "these are not the counts of a histogram")
    }
    counts.replaceSubrange(first..<first + filled.count, with: filled)
  }

  /// Writes the counts from the first to the last bin that is not empty.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    let first = counts.firstIndex { $0 > 0 } ?? 0
    let last = counts.lastIndex { $0 > 0 } ?? -1
    try values.encode(exponent, forKey: .exponent)
    try values.encode(first, forKey: .first)
    try values.encode(last < first ? [] : Array(counts[first...last]), forKey: .counts)
  }

  /// The width of a bin.
  public var width: Float { Float(sign: .plus, exponent: exponent, significand: 1) }
  /// How many numbers were counted.
  public var total: UInt64 { counts.reduce(0, +) }
  /// The number in the middle of a bin.
  public func centre(_ bin: Int) -> Float { (Float(bin - Self.half) + 0.5) * width }

  /// Counts finite numbers whose magnitude is at most `largest`.
  public mutating func add(_ numbers: UnsafeBufferPointer<Float>, largest: Float) {
    while largest >= Float(Self.half) * width { merge() }
    let scale = 1 / width
    counts.withUnsafeMutableBufferPointer {
      BinCounts.add(numbers, scale: scale, half: Self.half, to: $0)
    }
  }

  private mutating func merge() {
    var merged = [UInt64](repeating: 0, count: counts.count)
    for bin in counts.indices where counts[bin] > 0 {
      merged[((bin - Self.half) >> 1) + Self.half] += counts[bin]
    }
    counts = merged
    exponent += 1
  }
}
