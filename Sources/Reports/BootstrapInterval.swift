import Foundation

/// The bias-corrected and accelerated confidence interval of the bootstrap (BCa).
///
/// The middle 95 % of the samples is right where samples scatter evenly around the estimate. mAP's
/// do not: samples repeat images, which favours some, and high scores scatter less than low ones.
/// The ends are therefore quantiles that the bias `z₀ = Φ⁻¹(part of the samples below the
/// estimate)` and the acceleration `a = Σ d³ / 6 (Σ d²)^1.5` move, d the deviations of the estimate
/// with a part of the images left out (jackknife).
///
/// Reference: Efron, *Better Bootstrap Confidence Intervals*, Journal of the American Statistical
/// Association 82, 1987.
public struct BootstrapInterval {
  private let samples: [Double]
  private let bias: Double
  private let acceleration: Double

  /// An interval of samples around an estimate.
  ///
  /// - Parameters:
  ///   - samples: The estimate on samples of the images, in any order; at least one.
  ///   - leftOut: The estimate with each part of the images left out; empty for no acceleration.
  public init(_ samples: [Double], around estimate: Double, leftOut: [Double] = []) {
    self.samples = samples.sorted()
    let below =
      samples.reduce(0) { $0 + ($1 < estimate ? 1 : $1 == estimate ? 0.5 : 0) }
      / Double(max(samples.count, 1))
    // With all samples on one side the bias is unknown, not infinite.
    bias = below > 0 && below < 1 ? Self.quantile(below) : 0
    let mean = leftOut.reduce(0, +) / Double(max(leftOut.count, 1))
    let (squares, cubes) = leftOut.reduce((0.0, 0.0)) {
      let d = mean - $1
      return ($0.0 + d * d, $0.1 + d * d * d)
    }
    acceleration = squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0
  }

  /// The 95 % interval.
  public var ends: ModelEvidence.Interval {
    .init(low: end(0.025), high: end(0.975))
  }

  private func end(_ part: Double) -> Double {
    let z = bias + Self.quantile(part)
    let moved = Self.cumulative(bias + z / (1 - acceleration * z))
    let place = min(max(moved, 0), 1) * Double(samples.count - 1)
    let low = Int(place)
    let high = min(low + 1, samples.count - 1)
    return samples[low] + (place - Double(low)) * (samples[high] - samples[low])
  }

  /// The normal distribution's Φ.
  static func cumulative(_ z: Double) -> Double { erfc(-z / 2.squareRoot()) / 2 }

  /// Its inverse, found by halving and accurate to the last digits that matter here.
  static func quantile(_ part: Double) -> Double {
    var (low, high) = (-9.0, 9.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if cumulative(middle) < part { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
