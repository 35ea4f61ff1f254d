/// Times of repeated runs, in milliseconds.
public struct LatencyStatistics: Codable, Sendable, Equatable {
  /// Runs that were counted.
  public var runs: Int
  /// Half of the runs were at most as long.
  public var median: Double
  /// Nine tenths of the runs were at most as long.
  public var p90: Double
  /// The shortest run.
  public var min: Double
  /// The longest run.
  public var max: Double
  /// Runs per second at the median.
  public var perSecond: Double { median > 0 ? 1000 / median : 0 }

  /// The statistics of the given times.
  ///
  /// - Precondition: there is at least one.
  public init(_ times: [Duration]) {
    let sorted = times.map { $0 / .milliseconds(1) }.sorted()
    precondition(!sorted.isEmpty)
    runs = sorted.count
    median = sorted[sorted.count / 2]
    p90 = sorted[Swift.min(sorted.count - 1, sorted.count * 9 / 10)]
    min = sorted[0]
    max = sorted[sorted.count - 1]
  }

  /// Runs `body` to warm up, then times it: at least `runs` times and for at least `duration`.
  ///
  /// - Throws: what `body` throws.
  public static func measure(
    warmUp: Int, runs: Int, duration: Duration = .zero, _ body: () throws -> Void
  ) rethrows -> LatencyStatistics {
    let clock = ContinuousClock()
    for _ in 0..<warmUp { try body() }
    var times: [Duration] = []
    let start = clock.now
    repeat {
      times.append(try clock.measure(body))
    } while times.count < runs || clock.now - start < duration
    return LatencyStatistics(times)
  }
}
