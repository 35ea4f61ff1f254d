import Foundation

/// Distributes a budget of parameters or multiply–accumulates over layers with the least loss.
///
/// Each layer stays whole or takes one of its candidates. The sum of losses is minimised under a
/// bound on the sum of costs with the Lagrangian `loss + λ · cost`. λ is found by bisection. Then
/// the rest of the budget is spent where it reduces the loss most. The result is optimal among
/// choices on the convex hulls of the layers' curves.
///
/// Reference: Zhang, Zou, He and Sun, TPAMI 2016, arXiv:1505.06798, section 3.4, whose loss by
/// weights is used: the logarithm of the kept energy, summed over layers. The paper removes
/// greedily instead.
public struct RankBudget: Sendable {
  /// One candidate for a layer.
  public struct Candidate: Sendable, Equatable {
    /// Which of the caller's alternatives it belongs to.
    public var alternative: Int
    /// Its rank; `nil` for the layer as it is.
    public var rank: [Int]?
    /// Its cost.
    public var cost: Double
    /// Its loss.
    public var loss: Double

    /// A candidate of the given parts.
    public init(alternative: Int = 0, rank: [Int]?, cost: Double, loss: Double) {
      (self.alternative, self.rank, self.cost, self.loss) = (alternative, rank, cost, loss)
    }
  }

  /// The loss of a relative reconstruction error ε: `−log(1 − ε²)`.
  public static func loss(error: Double) -> Double {
    -log(max(1 - error * error, 1e-12))
  }

  /// The choice of each layer, and whether the budget is met.
  ///
  /// - Precondition: every layer has a candidate.
  public static func choose(
    _ layers: [[Candidate]], budget: Double
  ) -> (choices: [Candidate], isMet: Bool) {
    func choices(_ lambda: Double) -> [Candidate] {
      layers.map { candidates in
        candidates.min {
          let (a, b) = ($0.loss + lambda * $0.cost, $1.loss + lambda * $1.cost)
          return a != b ? a < b : $0.cost > $1.cost
        } ?? candidates[0]
      }
    }
    func cost(_ choices: [Candidate]) -> Double { choices.reduce(0) { $0 + $1.cost } }
    let whole = choices(0)
    if cost(whole) <= budget { return (whole, true) }
    let least = layers.map { $0.min { $0.cost < $1.cost } ?? $0[0] }
    guard cost(least) <= budget else { return (least, false) }
    var (low, high) = (0.0, 1.0)
    let unit = max(cost(whole), 1)
    while cost(choices(high / unit)) > budget, high < 1e18 { high *= 4 }
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if cost(choices(middle / unit)) <= budget { high = middle } else { low = middle }
    }
    var result = choices(high / unit)
    if cost(result) > budget { result = least }
    spend(&result, layers, budget: budget)
    return (result, true)
  }

  /// Repeatedly takes the change that reduces the loss most per cost and still fits the budget.
  private static func spend(_ result: inout [Candidate], _ layers: [[Candidate]], budget: Double) {
    var room = budget - result.reduce(0) { $0 + $1.cost }
    while true {
      var best: (layer: Int, candidate: Candidate, gain: Double)?
      for (index, candidates) in layers.enumerated() {
        for candidate in candidates {
          let extra = candidate.cost - result[index].cost
          let gain = result[index].loss - candidate.loss
          guard gain > 0, extra <= room else { continue }
          let rate = extra > 0 ? gain / extra : .infinity
          if rate > best?.gain ?? 0 { best = (index, candidate, rate) }
        }
      }
      guard let best else { return }
      room -= best.candidate.cost - result[best.layer].cost
      result[best.layer] = best.candidate
    }
  }
}
