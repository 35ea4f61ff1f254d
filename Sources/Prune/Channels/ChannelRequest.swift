import GraphIR
import Tensors

/// How many channels are removed, and how the cut is distributed.
public struct ChannelRequest: Sendable {
  /// The name of the criterion, for the plan.
  public var method = ChannelCriterion.l1.name
  /// How the cut is distributed.
  public var allocation = ChannelAllocation.global
  /// The kept channels of each block are a multiple of this, as far as it has so many.
  public var multiple = 1
  /// The least fraction of each block that stays.
  public var leastKept = 0.1
  /// The seed of criteria that draw random numbers.
  public var seed: UInt64 = 0

  /// A request for a global cut by the L1 norm.
  public init() {}

  /// The groups that are removed at a strength from 0 to 1, after multiples and minima are applied.
  public func groups(at strength: Double, in coupling: ChannelCoupling, scores: [Double]) -> Set<
    Int
  > {
    let blocks = ChannelBlocks(coupling, scores: scores)
    var removed = allocation.choose(blocks, strength)
    for block in blocks.blocks {
      let going = block.filter(removed.contains)
      guard !going.isEmpty else { continue }
      let least = max(1, Int((leastKept * Double(block.count)).rounded(.up)))
      var kept = max(block.count - going.count, least)
      kept = min(block.count, (kept + multiple - 1) / multiple * multiple)
      // The most important of the removed groups are kept first.
      for group in going.suffix(kept - (block.count - going.count)) { removed.remove(group) }
    }
    for set in coupling.minimalSets where removed.isSuperset(of: set) {
      if let best = set.max(by: { (scores[$0], $1) < (scores[$1], $0) }) { removed.remove(best) }
    }
    return removed
  }

  /// The weakest cut that meets a target, or the strongest there is.
  ///
  /// - Parameter isMet: Whether a cut is strong enough. It is assumed that stronger cuts then are,
  ///   too.
  /// - Returns: The groups that are removed, and whether the target is met.
  public func search(
    in coupling: ChannelCoupling, scores: [Double], isMet: (Set<Int>) throws -> Bool
  ) rethrows -> (removed: Set<Int>, isMet: Bool) {
    let strongest = groups(at: 1, in: coupling, scores: scores)
    guard try isMet(strongest) else { return (strongest, false) }
    var (low, high, best) = (0.0, 1.0, strongest)
    // The last cut that is too weak; equal cuts need no check.
    var weak: Set<Int>?
    for _ in 0..<Self.bisections {
      let middle = (low + high) / 2
      let candidate = groups(at: middle, in: coupling, scores: scores)
      if candidate == weak {
        low = middle
      } else if try candidate == best || isMet(candidate) {
        (high, best) = (middle, candidate)
      } else {
        (low, weak) = (middle, candidate)
      }
    }
    return (best, true)
  }

  /// Enough steps to distinguish single channels of a large network.
  private static let bisections = 14
}
