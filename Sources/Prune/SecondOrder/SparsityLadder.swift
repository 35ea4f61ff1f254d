import Foundation

/// The damage of zeros in one layer: measured at some numbers of zeros, interpolated between.
public struct SparsityLadder: Codable, Sendable, Equatable {
  /// One number of zeros at which the damage was measured.
  public struct Rung: Codable, Sendable, Equatable {
    /// The number of weights of the layer that are zero.
    public var zeros: Int
    /// The damage to the network's outputs, with this layer alone altered.
    public var damage: Double

    /// A rung.
    public init(zeros: Int, damage: Double) { (self.zeros, self.damage) = (zeros, damage) }
  }

  /// The weights of the layer.
  public var count: Int
  /// The rungs, ascending by zeros.
  public private(set) var rungs: [Rung]

  /// A ladder of some rungs, made monotone: more zeros never do less damage.
  public init(count: Int, rungs: [Rung]) {
    self.count = count
    self.rungs = [Rung(zeros: 0, damage: 0)]
    for rung in rungs.sorted(by: { $0.zeros < $1.zeros }) where rung.zeros > 0 {
      let least = self.rungs.last?.damage ?? 0
      self.rungs.append(Rung(zeros: rung.zeros, damage: max(least, rung.damage)))
    }
  }

  /// The largest number of zeros that was measured.
  public var most: Int { rungs.last?.zeros ?? 0 }

  /// The damage of a number of zeros, which is at most ``most``.
  public func damage(_ zeros: Int) -> Double {
    guard let above = rungs.first(where: { $0.zeros >= zeros }) else { return .infinity }
    guard let below = rungs.last(where: { $0.zeros <= zeros }), above.zeros > below.zeros else {
      return above.damage
    }
    let part = Double(zeros - below.zeros) / Double(above.zeros - below.zeros)
    return below.damage + part * (above.damage - below.damage)
  }
}

extension SparsityLadder {
  /// Damages that were measured at some numbers of zeros, and follow the layer's error elsewhere.
  ///
  /// To second order the damage is a quadratic function of the error of the layer's response, so
  /// that the ratio of damage to relative squared error changes little. Its logarithm is
  /// interpolated.
  struct Shape {
    private var points: [(zeros: Int, ratio: Double)] = []
    private var measured: [Int: Double] = [:]

    /// Adds a measurement; numbers of zeros ascend.
    mutating func add(zeros: Int, error: Double, damage: Double) {
      measured[zeros] = damage
      guard error > 0, damage > 0, damage.isFinite else { return }
      points.append((zeros, log(damage / error)))
    }

    /// The damage at a number of zeros where the layer has an error.
    func damage(zeros: Int, error: Double) -> Double {
      if let known = measured[zeros] { return known }
      guard error > 0 else { return 0 }
      guard let above = points.first(where: { $0.zeros >= zeros }) ?? points.last,
        let below = points.last(where: { $0.zeros <= zeros }) ?? points.first
      else { return measured.values.max() ?? 0 }
      guard above.zeros > below.zeros else { return error * exp(above.ratio) }
      let part = Double(zeros - below.zeros) / Double(above.zeros - below.zeros)
      return error * exp(below.ratio + part * (above.ratio - below.ratio))
    }
  }
}

extension [SparsityLadder] {
  /// The number of zeros in each layer, `total` in all, for the least sum of damages.
  ///
  /// This is a dynamic programme over the layers. It finds the least damage of the first *l* layers
  /// for every number of zeros, in steps of `total / stepCount`. Each layer has one of `levelCount`
  /// levels of its ladder. The remainder of the steps goes where it does least damage.
  ///
  /// Reference: Frantar and Alistarh, *SPDY*, ICML 2022, arXiv:2201.13096. Deviation: damages are
  /// measured layer by layer; the paper searches for coefficients.
  ///
  /// - Returns: `nil` when the ladders do not reach that far.
  public func zeros(total: Int, stepCount: Int = 2000, levelCount: Int = 32) -> [Int]? {
    guard total > 0 else { return map { _ in 0 } }
    guard reduce(0, { $0 + $1.most }) >= total else { return nil }
    let step = Swift.max(1, (total + stepCount - 1) / stepCount)
    let steps = total / step
    var least = [Double](repeating: .infinity, count: steps + 1)
    least[0] = 0
    var choices: [[Int32]] = []
    let levels = map { ladder in
      Set(
        ((0...levelCount).map { ladder.most * $0 / levelCount } + ladder.rungs.map(\.zeros))
          .map { $0 / step * step }
      ).sorted()
    }
    for (ladder, levels) in zip(self, levels) {
      let options = levels.map { (steps: $0 / step, damage: ladder.damage($0)) }
      var next = [Double](repeating: .infinity, count: steps + 1)
      var choice = [Int32](repeating: 0, count: steps + 1)
      for used in 0...steps where least[used] < .infinity {
        for (index, option) in options.enumerated() {
          let sum = Swift.min(used + option.steps, steps)
          let damage = least[used] + option.damage
          // A sum above the target is reduced below. Until then it counts with its whole damage.
          if damage < next[sum] { (next[sum], choice[sum]) = (damage, Int32(used << 9 | index)) }
        }
      }
      least = next
      choices.append(choice)
    }
    guard least[steps] < .infinity else { return nil }
    var zeros = [Int](repeating: 0, count: count)
    var place = steps
    for layer in indices.reversed() {
      let choice = Int(choices[layer][place])
      zeros[layer] = levels[layer][choice & 0x1ff]
      place = choice >> 9
    }
    return settled(zeros, total: total, step: step)
  }

  /// Adds or removes zeros step by step, where it does least damage, until their sum is right.
  private func settled(_ zeros: [Int], total: Int, step: Int) -> [Int] {
    var zeros = zeros
    var missing = total - zeros.reduce(0, +)
    while missing != 0 {
      let size = Swift.min(step, Int(missing.magnitude))
      let sign = missing > 0 ? 1 : -1
      let candidates = indices.compactMap { layer -> (layer: Int, size: Int, cost: Double)? in
        let room = missing > 0 ? self[layer].most - zeros[layer] : zeros[layer]
        let part = Swift.min(size, room)
        guard part > 0 else { return nil }
        let change =
          self[layer].damage(zeros[layer] + sign * part) - self[layer].damage(zeros[layer])
        return (layer, part, change / Double(part))
      }
      guard let best = candidates.min(by: { ($0.cost, $0.layer) < ($1.cost, $1.layer) }) else {
        return zeros
      }
      zeros[best.layer] += sign * best.size
      missing -= sign * best.size
    }
    return zeros
  }
}
