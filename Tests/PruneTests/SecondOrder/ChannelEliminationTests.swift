import Compression
import Execution
import GraphIR
import Operators
import Prune
import TestSupport
import Tensors
import Testing

/// The order in which channels go, and what they save.
@Suite struct ChannelEliminationTests {
  private let engine = Engine(registry: .standard, threads: 2)

  private func image(_ index: Int) -> [String: Tensor] {
    var random = SplitMix64(seed: UInt64(900 + index))
    return [
      "image": Tensor(
        (0..<3 * 64).map { _ in Float.random(in: -1...1, using: &random) }, shape: [1, 3, 8, 8])
    ]
  }

  /// The sample network whose stem makes each of four channels twice.
  private func twins() -> Graph {
    var graph = SampleNetwork.graph()
    for name in ["stem.weight", "depthwise.weight"] {
      guard let tensor = graph[constant: name] else { continue }
      let half = Array(tensor.floats.prefix(tensor.count / 2))
      graph[constant: name] = Tensor(half + half, shape: tensor.shape)
    }
    return graph
  }

  private func elimination(
    _ graph: Graph, leastKept: Double = 0.1, threads: Int = 2
  ) throws -> (coupling: ChannelCoupling, order: [Int]) {
    let engine = Engine(registry: .standard, threads: threads)
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let readers = try ChannelReaders(
      coupling, settings: .init(seed: 0), inputs: TensorSet((0..<24).map(image)), engine: engine)
    let elimination = try ChannelElimination(
      coupling, readers: readers,
      weights: readers.weights(damage: { _ in 1 }, engine: engine),
      cost: ChannelCost(coupling, counting: .macs, engine: engine), leastKept: leastKept,
      engine: engine)
    return (coupling, elimination.order)
  }

  /// The channels of the stem that go, in order.
  private func stemChannels(_ found: (coupling: ChannelCoupling, order: [Int])) throws -> [Int] {
    let stem = try #require(
      found.coupling.producers.firstIndex { $0.weight == "stem.weight" })
    return found.order.compactMap { group in
      found.coupling.groups[group].members.first { $0.producer == stem }?.channel
    }
  }

  @Test func ofTwinsOneGoesBeforeAnyOther() throws {
    let channels = try stemChannels(elimination(twins()))
    #expect(channels.count == 7)
    #expect(Set(channels.prefix(4).map { $0 % 4 }) == [0, 1, 2, 3])
  }

  @Test func theLeastPartOfABlockStays() throws {
    #expect(try stemChannels(elimination(SampleNetwork.graph(), leastKept: 0.5)).count == 4)
    let (coupling, order) = try elimination(SampleNetwork.graph(), leastKept: 0)
    #expect(Set(order).count == order.count)
    for set in coupling.minimalSets { #expect(!Set(order).isSuperset(of: set)) }
  }

  @Test func threadsDoNotMatter() throws {
    #expect(
      try elimination(SampleNetwork.graph(), threads: 1).order
        == elimination(SampleNetwork.graph(), threads: 2).order)
  }

  /// What the cost says is left is what counting the cut network finds.
  @Test func theCostIsThatOfTheCutNetwork() throws {
    let graph = SampleNetwork.graph()
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let cost = try ChannelCost(coupling, counting: .macs, engine: engine)
    let whole = try engine.cost(of: graph).macs
    var random = SplitMix64(seed: 7)
    for _ in 0..<5 {
      let removed = Set(
        coupling.groups.indices.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
      let counted = try engine.cost(of: coupling.removing(removed).graph).macs
      let foretold = cost.nodes.reduce(0.0) { sum, layer in
        sum
          + layer.sides.reduce(layer.cost) { product, side in
            let groups = cost.sides[side].groups
            let left = groups.count { group in group.map { !removed.contains($0) } ?? true }
            return product * Double(left) / Double(groups.count)
          }
      }
      #expect((foretold * Double(whole) - Double(counted)).magnitude < 0.5)
    }
  }
}
