import Quantize
import Tensors
import TestSupport
import Testing

/// Ranges that observers choose, and the statistics they choose from.
@Suite struct ObserverTests {
  private func statistics(_ images: [[Float]]) -> ValueStatistics {
    var statistics = ValueStatistics(countsNumbers: true)
    for image in images { image.withUnsafeBufferPointer { statistics.add($0) } }
    return statistics
  }

  /// Numbers near 0 and a few far away.
  private func tailed(seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    let body = (0..<20_000).map { _ in
      (0..<6).reduce(Float(0)) { sum, _ in sum + Float.random(in: -0.5...0.5, using: &random) }
    }
    return body + [40, -3, .nan, .infinity]
  }

  private func squaredError(_ numbers: [Float], _ range: ClosedRange<Float>) -> Double {
    let scheme = QuantizationScheme()
    let map = scheme.activation(range)
    return numbers.filter(\.isFinite).reduce(0) {
      let error = Double(map.float(map.quantized($1, in: scheme.activationRange)) - $1)
      return $0 + error * error
    }
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func countsDependOnTheNumbersAlone(seed: UInt64) {
    let numbers = tailed(seed: seed)
    let whole = statistics([numbers])
    let parts = stride(from: 0, to: numbers.count, by: 777).map {
      Array(numbers[$0..<min($0 + 777, numbers.count)])
    }
    let backwards = statistics(parts.reversed())
    #expect(whole.histogram == backwards.histogram)
    #expect((whole.lowest, whole.highest) == (backwards.lowest, backwards.highest))
    #expect(whole.histogram?.total == UInt64(numbers.count { $0.isFinite }))
  }

  @Test(arguments: Observer.all.map(\.name), [UInt64(4), 5])
  func rangesLieWithinWhatWasSeen(name: String, seed: UInt64) throws {
    let observer = try #require(Observer.named(name))
    let range = try observer.range(of: statistics([tailed(seed: seed)]), scheme: .init())
    #expect(range.lowerBound >= -3 && range.upperBound <= 40)
    #expect(range.lowerBound < -0.5 && range.upperBound > 0.5)
  }

  @Test func leastSquaresClipsOutliersAndGains() throws {
    let numbers = tailed(seed: 6)
    let seen = statistics([numbers])
    let mse = try #require(Observer.named("mse")).range(of: seen, scheme: .init())
    let all = try #require(Observer.named("minmax")).range(of: seen, scheme: .init())
    #expect(all == -3...40)
    #expect(squaredError(numbers, mse) < squaredError(numbers, all))
  }

  @Test func percentilesCutBothEnds() throws {
    let numbers = (0..<100_000).map { Float($0) / 1000 - 50 }
    let range = try #require(Observer.named("percentile=99")).range(
      of: statistics([numbers]), scheme: .init())
    #expect(abs(range.lowerBound + 49.5) < 0.1 && abs(range.upperBound - 49.5) < 0.1)
  }

  @Test func averagesSmoothTheExtremes() throws {
    let range = try #require(Observer.named("moving-average")).range(
      of: statistics([[-1, 1], [-1, 21]]), scheme: .init())
    #expect(abs(range.upperBound - (1 + 20 * ValueStatistics.smoothing)) < 1e-5)
    #expect(range.lowerBound == -1)
  }

  @Test(arguments: Observer.all.map(\.name))
  func nothingFiniteIsAnError(name: String) throws {
    let observer = try #require(Observer.named(name))
    #expect(throws: CalibrationError.nothingObserved) {
      try observer.range(of: statistics([[.nan, .infinity]]), scheme: .init())
    }
  }

  @Test func namesThatAreNoneAreRefused() {
    for name in ["", "max", "percentile=0", "percentile=101", "percentile=x"] {
      #expect(Observer.named(name) == nil, "\(name)")
    }
  }
}
