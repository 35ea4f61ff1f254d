import Execution
import GraphIR
import Compression
import Operators
import Prune
import Tensors
import TestSupport
import Testing

/// What pruned files must compute, and weights and values that no method may compute with.
@Suite struct PruningPredictionTests {
  private func run(_ graph: Graph, seed: UInt64 = 7) throws -> [String: Tensor] {
    var random = SplitMix64(seed: seed)
    let input = Tensor(
      (0..<192).map { _ in Float.random(in: -1...1, using: &random) }, shape: [1, 3, 8, 8])
    return try Session(graph, registry: .standard).run(["image": input])
  }

  @Test(arguments: [0.3, 0.9]) func zerosAreThoseOfThePlan(sparsity: Double) throws {
    for holds in [false, true] {
      var graph = SampleNetwork.graph()
      // A weight that a Constant node holds, and one that Identity passes on.
      if holds {
        let deep = try #require(graph[constant: "deep.weight"])
        graph[constant: "deep.weight"] = nil
        graph.nodes.insert(
          Node(
            "Constant", inputs: [], outputs: ["deep.weight"], attributes: ["value": .tensor(deep)]),
          at: 0)
        graph.nodes.insert(Node("Identity", inputs: ["wide.weight"], outputs: ["alias"]), at: 0)
        let index = try #require(graph.nodes.firstIndex { $0.name == "wide" })
        graph.nodes[index].inputs[1] = "alias"
      }
      var request = PruningRequest()
      request.sparsity = sparsity
      let plan = try request.plan(for: graph, registry: .standard)
      let pruned = try plan.applied(to: graph, registry: .standard)
      let predicted = try plan.predicted(for: graph, registry: .standard)
      try predicted.verify()
      #expect(try run(pruned) == run(predicted))
      #expect(try run(pruned) != run(graph))
    }
  }

  @Test func namesOfPredictionsAreFresh() throws {
    let graph = SampleNetwork.graph()
    let plan = try PruningRequest().plan(for: graph, registry: .standard)
    let expected = try run(try plan.predicted(for: graph, registry: .standard))
    for name in ["wide.weight/mask", "wide.weight/masked", "deep.weight/mask"] {
      let renamed = graph.renaming("c", to: name)
      #expect(try run(try plan.predicted(for: renamed, registry: .standard)) == expected)
    }
  }

  /// Channels of a product whose β and α are not 1: what a silent channel held on average goes
  /// where it must.
  @Test(
    arguments: [[4], [1, 4], [], [1]] as [[Int]], [(1, 1), (2, 0.5), (0.5, 3)] as [(Float, Float)])
  func meansOfRemovedChannelsGoIntoProducts(
    shape: [Int], factors: (alpha: Float, beta: Float)
  ) throws {
    var random = SplitMix64(seed: 11)
    func noise(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<shape.product).map { _ in Float.random(in: -1...1, using: &random) }, shape: shape)
    }
    var graph = Graph(
      inputs: [ValueInfo(name: "image", type: ValueType(TensorType(.float32, [1, 3, 8, 8])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    (graph[constant: "a.w"], graph[constant: "a.b"]) = (noise([6, 3, 1, 1]), noise([6]))
    (graph[constant: "w"], graph[constant: "b"]) = (noise([4, 6]), noise(shape))
    graph.nodes = [
      Node("Conv", inputs: ["image", "a.w", "a.b"], outputs: ["a"]),
      Node("GlobalAveragePool", inputs: ["a"], outputs: ["mean"]),
      Node("Flatten", inputs: ["mean"], outputs: ["row"]),
      Node(
        "Gemm", inputs: ["row", "w", "b"], outputs: ["y"],
        attributes: [
          "transB": .int(1), "alpha": .float(factors.alpha), "beta": .float(factors.beta),
        ]),
    ]
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let removed: Set<Int> = [0, 3]
    let activations = try ChannelActivations(
      coupling, inputs: TensorSet([try drawnInputs(of: graph, seed: 7)]),
      engine: Engine(registry: .standard))
    let compensation = MeanCompensation(coupling, removing: removed, activations: activations)
    let cut = try coupling.removing(removed, weights: compensation.weights)
    let (before, after) = (try run(graph)["y"], try run(cut.graph)["y"])
    // On the image that the means were taken of nothing is lost where the bias has room for each
    // channel.
    if shape.product == 4 {
      #expect(
        normalizedMaxError(after?.floats ?? [], before?.floats ?? [])
          < Tolerance.network.bound)
    } else {
      #expect(compensation.skipped.count == 1)
    }
    #expect(
      try run(cut.silenced)["y"].map {
        OutputDifference.byName(["y": $0], ["y": after ?? $0])["y"] ?? 1
      } ?? 1 < 1e-5)
  }

  // MARK: What is not finite

  /// A network with a constant of every kind that layers read.
  private func constants() -> Graph {
    var graph = SampleNetwork.graph()
    for (name, shape) in [
      ("gamma", [8]), ("beta", [8]), ("mean", [8]), ("variance", [8]), ("slope", [8, 1, 1]),
      ("offset", [8, 1, 1]),
    ] {
      graph[constant: name] = Tensor([Float](repeating: 1, count: 8), shape: shape)
    }
    graph[constant: "low"] = Tensor(scalar: -Float.infinity)
    graph[constant: "high"] = Tensor(scalar: Float.infinity)
    graph.nodes.insert(
      contentsOf: [
        Node("Clip", inputs: ["b", "low", "high"], outputs: ["b1"]),
        Node(
          "BatchNormalization", inputs: ["b1", "gamma", "beta", "mean", "variance"],
          outputs: ["b2"]), Node("PRelu", inputs: ["b2", "slope"], outputs: ["b3"]),
        Node("Add", inputs: ["b3", "offset"], outputs: ["b4"]),
      ], at: 2)
    return graph
  }

  @Test(
    arguments: [
      "stem.weight", "score.weight", "gamma", "beta", "mean", "variance", "slope",
    ], [Float.nan, .infinity, -.infinity])
  func constantsOfLayersMustBeFinite(name: String, bad: Float) throws {
    var graph = constants()
    try graph.checkWeightsAreFinite(registry: .standard)
    var values = try #require(graph[constant: name]).floats
    values[values.count - 1] = bad
    let shape = try #require(graph[constant: name]).shape
    let tensor = Tensor(values, shape: shape)
    graph[constant: name] = tensor
    let node = try #require(graph.nodes.first { $0.inputs.contains(name) })
    let expected = NotFinite.weight(
      name: name, node: node.label, element: shape.map { $0 - 1 }, number: "\(bad)")
    #expect(throws: expected) { try graph.checkWeightsAreFinite(registry: .standard) }
    // The same in a Constant node.
    graph[constant: name] = nil
    graph.nodes.insert(
      Node("Constant", inputs: [], outputs: [name], attributes: ["value": .tensor(tensor)]), at: 0)
    #expect(throws: expected) { try graph.checkWeightsAreFinite(registry: .standard) }
    #expect(throws: Never.self) {
      try graph.checkWeightsAreFinite(registry: .standard, excluding: [NamePattern(name)])
    }
  }

  @Test func infinityIsAtHomeElsewhereButNaNIsNot() throws {
    var graph = constants()
    graph[constant: "offset"] = Tensor(
      [Float](repeating: -.infinity, count: 8), shape: [8, 1, 1])
    try graph.checkWeightsAreFinite(registry: .standard)
    graph[constant: "offset"] = Tensor([Float](repeating: .nan, count: 8), shape: [8, 1, 1])
    #expect(throws: NotFinite.self) { try graph.checkWeightsAreFinite(registry: .standard) }
  }

  @Test(arguments: [Float.nan, .infinity]) func valuesMustBeFiniteWhereTheyAreLookedAt(
    bad: Float
  ) throws {
    let graph = SampleNetwork.graph()
    var options = SessionOptions(taps: ["e", "c", "image"])
    options.checksTaps = true
    let session = try Session(graph, registry: .standard, options: options)
    var values = [Float](repeating: 0.5, count: 192)
    _ = try session.run(["image": Tensor(values, shape: [1, 3, 8, 8])])
    values[100] = bad
    let expected = NotFinite.activation(
      name: "image", node: "the input", element: [0, 1, 4, 4], number: "\(bad)")
    #expect(throws: expected) {
      _ = try session.run(["image": Tensor(values, shape: [1, 3, 8, 8])])
    }
    // Further in, the first of the values in the order of the nodes is named.
    var broken = graph
    var weights = try #require(graph[constant: "stem.weight"]).floats
    weights[0] = bad
    broken[constant: "stem.weight"] = Tensor(weights, shape: [8, 3, 3, 3])
    var inner = SessionOptions(taps: ["e", "c"])
    inner.checksTaps = true
    let other = try Session(broken, registry: .standard, options: inner)
    values[100] = 0.5
    do {
      _ = try other.run(["image": Tensor(values, shape: [1, 3, 8, 8])])
      Issue.record("nothing was said of \(bad)")
    } catch let NotFinite.activation(name, node, _, _) {
      #expect(name == "c" && node.contains("depthwise"))
    }
  }
}

/// Numbers from −1 to 1 for the input of a network.
private func drawnInputs(of graph: Graph, seed: UInt64) throws -> [String: Tensor] {
  var random = SplitMix64(seed: seed)
  let types = try graph.concreteInputTypes([:])
  return Dictionary(
    uniqueKeysWithValues: types.map { name, type in
      let values = (0..<type.count).map { _ in Float.random(in: -1...1, using: &random) }
      return (name, Tensor(values, shape: type.shape))
    })
}
