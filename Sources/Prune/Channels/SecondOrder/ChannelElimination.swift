import Compression
import Execution
import GraphIR
import Tensors

/// The order in which a network loses its channels, by second-order information.
///
/// A group is judged by all layers that read it. Each loses a share of the variation of its
/// response when the group goes and the layer's other weights are refitted by least squares. A
/// share counts as much as it damages the network's outputs, see ``ChannelReaders``. The group goes
/// next whose damage is least for what it saves. Then the layers that read it are refitted. So a
/// group costs more once those that could stand for it are gone, and saves less once its producers'
/// inputs and its readers' outputs are gone.
///
/// References: Hassibi and Stork, *Second order derivatives for network pruning: Optimal Brain
/// Surgeon*, NIPS 1992; Meng et al., *OSSCAR*, 2024, arXiv:2403.12983, for channels. Deviations:
///
/// - Groups that layers share are judged by all of them, layers by what they do to the outputs.
/// - The whole network is one problem; the paper prunes each layer to a given number of channels.
/// - Several groups go at once: a part of all, and a part of each block.
/// - There is no search by swaps.
package struct ChannelElimination {
  /// The groups in the order in which they go.
  ///
  /// Groups that no layer judges are not among them, nor those without which a layer would have too
  /// few channels.
  package private(set) var order: [Int] = []

  /// The share of all groups, and of those of one block, that goes at once.
  private static let (stepsPerNetwork, stepsPerBlock) = (200, 32)

  /// Eliminates groups until no more may go.
  ///
  /// - Parameters:
  ///   - leastKept: The least fraction of each block that stays.
  ///   - weights: The damage of a share of each layer's response.
  package init(
    _ coupling: ChannelCoupling, readers: ChannelReaders, weights: [Double], cost: ChannelCost,
    leastKept: Double, engine: Engine
  ) throws {
    var walk = Walk(
      coupling, readers: readers, weights: weights, cost: cost, leastKept: leastKept,
      pool: ThreadPool(threads: engine.threads))
    let total = walk.candidates.count
    try engine.progress.job("judging channels", total: total, unit: "channels") { done in
      while true {
        let going = walk.next(max(1, total / Self.stepsPerNetwork), Self.stepsPerBlock)
        guard !going.isEmpty else { break }
        try walk.eliminate(going)
        order += going
        done(total - walk.candidates.count)
      }
    }
  }

  /// The scores of groups: the later a group goes, the higher; infinite for those that stay.
  func scores(count: Int) -> [Double] {
    var result = [Double](repeating: .infinity, count: count)
    for (place, group) in order.enumerated() {
      result[group] = Double(place + 1) / Double(order.count)
    }
    return result
  }
}

/// A network on the way.
private struct Walk {
  /// The groups that may still go.
  private(set) var candidates: Set<Int>
  private let coupling: ChannelCoupling
  private let pool: ThreadPool
  private var layers: [ChannelReaders.Reader]
  /// What each layer adds to the damage of each group that it reads.
  private var damages: [[Int: Double]]
  private let cost: ChannelCost
  /// The number of channels that are left on each side of the cost.
  private var left: [Int]
  /// For each group the sides it is part of, with the number of its channels there.
  private var sides: [[(side: Int, channels: Int)]]
  /// The block of each group.
  private var blocks: [Int: Int] = [:]
  private var sizes: [Int]
  /// How many groups of each block may still go.
  private var room: [Int]
  private var gone: Set<Int> = []

  init(
    _ coupling: ChannelCoupling, readers: ChannelReaders, weights: [Double], cost: ChannelCost,
    leastKept: Double, pool: ThreadPool
  ) {
    (self.coupling, self.cost, self.pool) = (coupling, cost, pool)
    let groups = Set(coupling.groups.indices)
    layers = readers.all.indices.compactMap {
      readers.reader($0, of: groups, weight: weights[$0])
    }
    left = cost.sides.map(\.total)
    sides = Array(repeating: [], count: groups.count)
    for (side, own) in cost.sides.enumerated() {
      for (group, channels) in Dictionary(grouping: own.groups.compactMap { $0 }, by: { $0 }) {
        sides[group].append((side, channels.count))
      }
    }
    let shared = ChannelBlocks(coupling, scores: coupling.groups.map { _ in 0 }).blocks
    for (block, members) in shared.enumerated() {
      for group in members { blocks[group] = block }
    }
    sizes = shared.map(\.count)
    room = sizes.map { $0 - max(1, Int((leastKept * Double($0)).rounded(.up))) }
    damages = layers.map { _ in [:] }
    candidates = Set(layers.flatMap(\.places.keys))
    score(Array(layers.indices))
  }

  /// The groups that go next, at most `most` of all and a part of each block.
  func next(_ most: Int, _ stepsPerBlock: Int) -> [Int] {
    var sums = [Int: Double](minimumCapacity: candidates.count)
    for own in damages {
      for (group, damage) in own { sums[group, default: 0] += damage }
    }
    let ratios = candidates.map { (ratio: (sums[$0] ?? 0) / max(saving($0), 1e-12), group: $0) }
      .sorted { ($0.ratio, $0.group) < ($1.ratio, $1.group) }
    var taken: [Int: Int] = [:]
    var result: [Int] = []
    for (_, group) in ratios where result.count < most {
      guard let block = blocks[group] else { continue }
      let limit = min(room[block], max(1, sizes[block] / stepsPerBlock))
      guard taken[block, default: 0] < limit, !empties(group, with: result) else { continue }
      taken[block, default: 0] += 1
      result.append(group)
    }
    return result
  }

  /// Whether a value would have no channels left without a group.
  private func empties(_ group: Int, with others: [Int]) -> Bool {
    coupling.minimalSets.contains { set in
      set.contains(group)
        && set.allSatisfy { $0 == group || gone.contains($0) || others.contains($0) }
    }
  }

  /// The share of the network's cost that goes with a group.
  private func saving(_ group: Int) -> Double {
    var channels: [Int: Int] = [:]
    for (side, count) in sides[group] { channels[side] = count }
    return Set(sides[group].map { cost.sides[$0.side].node }).sorted().reduce(0) { sum, node in
      let layer = cost.nodes[node]
      var (before, after) = (layer.cost, layer.cost)
      for side in layer.sides {
        let total = Double(max(cost.sides[side].total, 1))
        before *= Double(left[side]) / total
        after *= Double(left[side] - (channels[side] ?? 0)) / total
      }
      return sum + before - after
    }
  }

  /// Removes groups, and judges those again that layers read beside them.
  mutating func eliminate(_ groups: [Int]) throws {
    gone.formUnion(groups)
    for group in groups {
      for (side, count) in sides[group] { left[side] -= count }
      if let block = blocks[group] { room[block] -= 1 }
    }
    candidates = candidates.filter { group in
      !gone.contains(group) && blocks[group].map { room[$0] > 0 } ?? false
    }
    let altered = layers.indices.filter { index in
      groups.contains { layers[index].places[$0] != nil }
    }
    score(altered, without: groups)
  }

  /// Judges what some layers read, after the removal of groups.
  private mutating func score(_ altered: [Int], without groups: [Int] = []) {
    let candidates = candidates
    layers.withUnsafeMutableBufferPointer { layers in
      nonisolated(unsafe) let layers = layers
      damages.withUnsafeMutableBufferPointer { damages in
        nonisolated(unsafe) let damages = damages
        pool.forEach(altered.count) { part in
          let index = altered[part]
          layers[index].state.eliminate(groups.flatMap { layers[index].places[$0] ?? [] }.sorted())
          var own: [Int: Double] = [:]
          for (group, places) in layers[index].places where candidates.contains(group) {
            own[group] = layers[index].weight * layers[index].state.cost(of: places)
          }
          damages[index] = own
        }
      }
    }
  }
}
