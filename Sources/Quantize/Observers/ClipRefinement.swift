import Tensors

/// Tries other ranges for single values of a quantised network, by what that does to its outputs.
///
/// The error of a value's own numbers (``Observer/meanSquare``) does not know which of them matter:
/// a rare large number may be the object. So the ranges of other observers are tried in the whole
/// quantised network, one value after the other. Values on whose ranges the observers differ most
/// come first. The range with the least error of the outputs stays. This is coordinate descent of
/// one sweep.
public struct ClipRefinement: Sendable {
  /// The number of values that are tried.
  public static let values = 40
  /// Observers whose ranges are tried.
  static let others: [Observer] = [
    .minMax, .percentile(99.99), .percentile(99.9), .percentile(99.5),
  ]

  /// One value whose range may change.
  struct Candidate {
    var name: String
    var ranges: [ClosedRange<Float>]
    var spread: Float
  }

  private let candidates: [Candidate]

  /// The values of a plan with ranges to try.
  ///
  /// - Throws: ``CalibrationError``.
  public init(_ plan: QuantizationPlan, statistics: [String: ValueStatistics]) throws {
    var found: [Candidate] = []
    for activation in plan.activations {
      guard let own = statistics[activation.name], own.lowest < own.highest else { continue }
      var ranges: [ClosedRange<Float>] = []
      let width = max(activation.highest - activation.lowest, .leastNormalMagnitude)
      for other in Self.others {
        let range = try other.range(of: own, scheme: plan.scheme)
        let known = [activation.range] + ranges
        let isNew = known.allSatisfy {
          max(abs($0.lowerBound - range.lowerBound), abs($0.upperBound - range.upperBound))
            > 0.03 * width
        }
        if isNew { ranges.append(range) }
      }
      guard !ranges.isEmpty else { continue }
      let spread = ranges.reduce(Float(0)) {
        max(
          $0, abs($1.lowerBound - activation.lowest) / width,
          abs($1.upperBound - activation.highest) / width)
      }
      found.append(Candidate(name: activation.name, ranges: ranges, spread: spread))
    }
    candidates = Array(
      found.sorted { ($1.spread, $0.name) < ($0.spread, $1.name) }.prefix(Self.values))
  }

  /// The number of plans that ``refine(_:error:observe:)`` tries.
  public var trials: Int { candidates.reduce(1) { $0 + $1.ranges.count } }

  /// The plan with the ranges of the least error.
  ///
  /// - Parameters:
  ///   - error: The error of the outputs under a plan.
  ///   - observe: Called with the number of plans tried.
  /// - Throws: What `error` throws.
  public func refine(
    _ plan: QuantizationPlan, error: (QuantizationPlan) throws -> Double,
    observe: (Int) -> Void = { _ in }
  ) throws -> QuantizationPlan {
    var best = plan
    var least = try error(plan)
    var tried = 1
    for candidate in candidates {
      for range in candidate.ranges {
        var other = best
        for index in other.activations.indices where other.activations[index].name == candidate.name
        {
          other.activations[index] = .init(name: candidate.name, range: range)
        }
        let found = try error(other)
        tried += 1
        observe(tried)
        if found < least { (best, least) = (other, found) }
      }
    }
    return best
  }
}
