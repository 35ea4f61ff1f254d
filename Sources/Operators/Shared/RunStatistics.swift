import Tensors

/// The mean and variance of a run of elements, summed in float64 in a fixed order.
struct RunStatistics {
  /// The mean.
  var mean: Double
  /// The mean squared distance from the mean.
  var variance: Double

  /// The statistics of `elements[range]`; zero for an empty run.
  init<Element: BinaryFloatingPoint>(
    _ elements: UnsafeMutableBufferPointer<Element>, _ range: Range<Int>
  ) {
    var sums = SIMD4<Double>.zero
    var index = range.lowerBound
    while index + 4 <= range.upperBound {
      sums += Self.four(elements, index)
      index += 4
    }
    var total = sums.sum()
    for rest in index..<range.upperBound { total += Double(elements[rest]) }
    let count = Double(max(range.count, 1))
    mean = total / count

    sums = .zero
    index = range.lowerBound
    while index + 4 <= range.upperBound {
      let distance = Self.four(elements, index) - mean
      sums += distance * distance
      index += 4
    }
    total = sums.sum()
    for rest in index..<range.upperBound {
      let distance = Double(elements[rest]) - mean
      total += distance * distance
    }
    variance = total / count
  }

  @inline(__always)
  private static func four<Element: BinaryFloatingPoint>(
    _ elements: UnsafeMutableBufferPointer<Element>, _ index: Int
  ) -> SIMD4<Double> {
    SIMD4(
      Double(elements[index]), Double(elements[index + 1]), Double(elements[index + 2]),
      Double(elements[index + 3]))
  }
}
