import Architectures
import Execution
import Foundation
import GraphIR
import Operators
import Prune
import Tensors
import TestSupport
import Testing

/// Criteria, allocations, targets and plans for channels.
@Suite struct ChannelSelectionTests {
  /// Four channels of known weights and scales, then a layer that reads them.
  private func chain(scales: [Float]? = [0.5, -2, 0.1, 1]) -> Graph {
    var nodes = [
      Node("Conv", name: "first", inputs: ["x", "w1", "b1"], outputs: ["c"]),
      Node("Relu", inputs: ["n"], outputs: ["r"]),
      Node("Conv", name: "second", inputs: ["r", "w2", "b2"], outputs: ["y"]),
    ]
    nodes.insert(
      scales == nil
        ? Node("Identity", inputs: ["c"], outputs: ["n"])
        : Node(
          "BatchNormalization", inputs: ["c", "gamma", "beta", "mean", "var"], outputs: ["n"]),
      at: 1)
    var graph = Graph(
      nodes: nodes,
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 2, 6, 6])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 13]
    graph[constant: "w1"] = Tensor([1, 1, 3, -3, 2, 0, -4, 4] as [Float], shape: [4, 2, 1, 1])
    graph[constant: "b1"] = Tensor([0.5, -1, 2, 0] as [Float])
    graph[constant: "w2"] = Tensor(
      (0..<12).map { Float($0 % 5) - 2 }, shape: [3, 4, 1, 1])
    graph[constant: "b2"] = Tensor([0, 0, 0] as [Float])
    if let scales {
      graph[constant: "gamma"] = Tensor(scales)
      graph[constant: "beta"] = Tensor([0, 0, 0, 0] as [Float])
      graph[constant: "mean"] = Tensor([0, 0, 0, 0] as [Float])
      graph[constant: "var"] = Tensor([1, 1, 1, 1] as [Float])
    }
    return graph
  }

  private func scores(_ graph: Graph, _ criterion: ChannelCriterion) throws -> [Double]? {
    try ChannelScores(
      try ChannelCoupling(graph, registry: .standard), criterion: criterion, seed: 3
    ).producers[0]
  }

  @Test func normsAreThoseOfTheFilters() throws {
    #expect(try scores(chain(), .l1) == [2, 6, 2, 8])
    let l2 = try #require(try scores(chain(), .l2))
    #expect(
      zip(l2, [2, 18, 4, 32].map { Double($0).squareRoot() }).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func scalesAreThoseOfTheNormalisationBehind() throws {
    let found = try #require(try scores(chain(), .bnGamma))
    #expect(zip(found, [0.5, 2, 0.1, 1]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func aNetworkWithoutScalesIsToldSo() throws {
    #expect(throws: PruningError.noScales(method: "bn-gamma")) {
      _ = try scores(chain(scales: nil), .bnGamma)
    }
  }

  /// The sum of distances to the other filters, by hand.
  @Test func theGeometricMedianSumsDistances() throws {
    let filters: [[Double]] = [[1, 1], [3, -3], [2, 0], [-4, 4]]
    let expected = filters.map { a in
      filters.reduce(0.0) { sum, b in
        sum + zip(a, b).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      }
    }
    let found = try #require(try scores(chain(), .fpgm))
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func randomFollowsTheSeed() throws {
    let coupling = try ChannelCoupling(chain(), registry: .standard)
    let draws = try [1, 1, 2].map { seed in
      try ChannelScores(coupling, criterion: .random, seed: seed).groups
    }
    #expect(draws[0] == draws[1] && draws[0] != draws[2])
  }

  @Test func activationsAreAveraged() throws {
    let graph = chain()
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let images = (0..<2).map { image in
      let values = (0..<72).map { Float(($0 * 7 + image * 5) % 11) / 11 - 0.4 }
      return ["x": Tensor(values, shape: [1, 2, 6, 6])]
    }
    let seen = try ChannelActivations(
      coupling, inputs: TensorSet(images), engine: Engine(registry: .standard))
    // Behind the ReLU: by a session of its own.
    let session = try Session(
      graph, registry: .standard, options: SessionOptions(taps: ["r"]))
    var (sums, silent) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: 4))
    for image in images {
      let r = try #require(try session.run(image)["r"]).floats
      for (index, value) in r.enumerated() {
        sums[index / 36] += Double(value) / 72
        if value <= 0 { silent[index / 36] += 1.0 / 72 }
      }
    }
    let statistics = seen.producers[0]
    #expect(zip(statistics.meanMagnitude, sums).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(statistics.silentFraction, silent).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(zip(seen.consumers[1].mean, sums).allSatisfy { abs($0 - $1) < 1e-5 })
    let apoz = try ChannelScores(coupling, criterion: .apoz, activations: seen).producers[0]
    #expect(zip(apoz ?? [], silent).allSatisfy { abs($0 - (1 - $1)) < 1e-9 })
  }

  /// A channel that holds a constant is made up for exactly.
  @Test func constantChannelsAreCompensated() throws {
    var graph = chain(scales: [0, -2, 0.1, 1])
    graph[constant: "beta"] = Tensor([1.5, 0, 0, 0] as [Float])
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let feed = ["x": Tensor((0..<72).map { Float($0 % 9) / 9 }, shape: [1, 2, 6, 6])]
    let seen = try ChannelActivations(
      coupling, inputs: TensorSet([feed]), engine: Engine(registry: .standard))
    let gone = try #require(coupling.producers[0].groups[0])
    let compensation = MeanCompensation(coupling, removing: [gone], activations: seen)
    #expect(compensation.skipped.isEmpty)
    let cut = try coupling.removing([gone], weights: compensation.weights)
    let (before, after) = (
      try Session(graph, registry: .standard).run(feed)["y"]?.floats ?? [],
      try Session(cut.graph, registry: .standard).run(feed)["y"]?.floats ?? []
    )
    #expect(before.count == 108)
    #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(cut.graph[constant: "w1"]?.shape == [3, 2, 1, 1])
    #expect(cut.graph[constant: "gamma"]?.shape == [3])
    #expect(cut.graph[constant: "w2"]?.shape == [3, 3, 1, 1])
  }

  // MARK: Allocation

  private func network() throws -> ChannelCoupling {
    try ChannelCoupling(try ChannelCouplingTests.load("yolov8n"), registry: .standard)
  }

  @Test(arguments: ChannelAllocation.all.map(\.name)) func strongerCutsRemoveMore(name: String)
    throws
  {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .l1).groups
    var request = ChannelRequest()
    request.allocation = try #require(ChannelAllocation.named(name))
    let counts = stride(from: 0.0, through: 1, by: 0.1).map {
      request.groups(at: $0, in: coupling, scores: scores).count
    }
    #expect(counts.first == 0)
    #expect(counts == counts.sorted())
    #expect(Double(counts.last ?? 0) > 0.8 * Double(coupling.groups.count))
  }

  @Test func somethingStaysEverywhereEvenAtFullStrength() throws {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .random, seed: 5).groups
    var request = ChannelRequest()
    request.leastKept = 0
    let removed = request.groups(at: 1, in: coupling, scores: scores)
    let cut = try coupling.removing(removed)
    #expect(cut.graph.nodes.count > 50)
    request.leastKept = 0.5
    let half = ChannelPlan(
      coupling, removing: request.groups(at: 1, in: coupling, scores: scores), request: request)
    #expect(half.layers.allSatisfy { 2 * $0.removed.count <= $0.channels + 1 })
  }

  @Test func channelsAreKeptInMultiples() throws {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .l1).groups
    var request = ChannelRequest()
    request.multiple = 8
    let removed = request.groups(at: 0.5, in: coupling, scores: scores)
    #expect(removed.count > 100)
    let plan = ChannelPlan(coupling, removing: removed, request: request)
    for layer in plan.layers where !layer.removed.isEmpty {
      #expect((layer.channels - layer.removed.count) % 8 == 0, "\(layer)")
    }
  }

  @Test func theSearchMeetsItsTargetWithLittleToSpare() throws {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .l1).groups
    let whole = try ModelCost(coupling.graph, registry: .standard).macs
    let (removed, isMet) = try ChannelRequest().search(in: coupling, scores: scores) { removed in
      let graph = try coupling.removing(removed).graph
      return try ModelCost(graph, registry: .standard).macs <= whole / 2
    }
    #expect(isMet)
    let left = try ModelCost(try coupling.removing(removed).graph, registry: .standard).macs
    #expect(left <= whole / 2 && Double(left) > 0.47 * Double(whole))
    let (_, isImpossible) = ChannelRequest().search(in: coupling, scores: scores) { _ in false }
    #expect(!isImpossible)
  }

  @Test func sensitiveLayersLoseLess() throws {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .l1).groups
    let fractions = [0.25, 0.5, 0.75]
    var curves: [Int: ChannelSensitivity.Curve] = [:]
    for (index, producer) in coupling.producers.enumerated() {
      curves[index] = .init(
        weight: producer.weight, fractions: fractions,
        damages: fractions.map { index.isMultiple(of: 2) ? $0 : $0 / 100 })
    }
    var request = ChannelRequest()
    request.allocation = .sensitivity(curves)
    let plan = ChannelPlan(
      coupling, removing: request.groups(at: 0.6, in: coupling, scores: scores), request: request)
    func share(_ parity: Int) -> Double {
      let layers = plan.layers.enumerated().filter { $0.offset % 2 == parity }.map(\.element)
      return Double(layers.reduce(0) { $0 + $1.removed.count })
        / Double(layers.reduce(0) { $0 + $1.channels })
    }
    #expect(share(1) > 2 * share(0))
    #expect(
      ChannelSensitivity.Curve(weight: "", fractions: [0.5, 1], damages: [1, 3])
        .fraction(atDamage: 2) == 0.75)
  }

  // MARK: Plans

  @Test func aPlanIsReadBackAndApplied() throws {
    let coupling = try network()
    let scores = try ChannelScores(coupling, criterion: .l2).groups
    let removed = ChannelRequest().groups(at: 0.3, in: coupling, scores: scores)
    let plan = ChannelPlan(coupling, removing: removed, request: ChannelRequest())
    let read = try JSONDecoder().decode(ChannelPlan.self, from: JSONEncoder().encode(plan))
    #expect(read == plan)
    #expect(try read.groups(of: coupling) == removed)
    var partial = plan
    let shared = try #require(
      coupling.groups.first {
        Set($0.members.map(\.producer)).count > 1
          && removed.contains(coupling.groups.firstIndex(of: $0) ?? -1)
      })
    partial.layers[shared.members[0].producer].removed.removeAll { $0 == shared.members[0].channel }
    #expect(throws: PruningError.self) { _ = try partial.groups(of: coupling) }
    let other = try ChannelCoupling(
      try ChannelCouplingTests.load("yolov5n"), registry: .standard)
    #expect(throws: PruningError.self) { _ = try plan.groups(of: other) }
  }

  /// What was cut can be cut again.
  @Test func aCutNetworkIsCutAgain() throws {
    var graph = try ChannelCouplingTests.load("mobilenetv2-ssdlite")
    var parameters = try ModelCost(graph, registry: .standard).parameters
    for round in 0..<3 {
      let coupling = try ChannelCoupling(graph, registry: .standard)
      let cut = try coupling.removing(
        ChannelCouplingTests.choice(coupling, ratio: 0.2, seed: UInt64(round)))
      let proof = try ChannelProof(
        cut, inputs: TensorSet(try ChannelCouplingTests.feeds(graph, count: 1)),
        engine: Engine(registry: .standard))
      #expect(proof.holds)
      let left = try ModelCost(cut.graph, registry: .standard).parameters
      #expect(left < parameters)
      (graph, parameters) = (cut.graph, left)
    }
  }
}
