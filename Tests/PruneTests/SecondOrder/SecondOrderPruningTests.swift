import Execution
import GraphIR
import Compression
import Operators
import Prune
import TestSupport
import Tensors
import Testing

/// Pruning by second order on a small network, from images to zeros.
@Suite struct SecondOrderPruningTests {
  private let graph = SampleNetwork.graph()
  private static let images = 12

  /// Smooth images: neighbours are alike, so that inputs of layers correlate as in photographs.
  private static func image(_ index: Int) -> [String: Tensor] {
    var random = SplitMix64(seed: UInt64(100 + index))
    let waves = (0..<4).map { _ in
      (0..<4).map { _ in Float.random(in: -1...1, using: &random) }
    }
    let values = (0..<3 * 64).map { place -> Float in
      let (y, x) = (Float(place % 64 / 8), Float(place % 8))
      return waves.reduce(Float(place / 64) * 0.2) {
        $0 + $1[0] * ($1[1] * y + $1[2] * x + 3 * $1[3]).truncatingRemainder(dividingBy: 2)
      }
    }
    return ["image": Tensor(values, shape: [1, 3, 8, 8])]
  }

  private func pruning(
    _ edit: (inout PruningRequest) -> Void = { _ in }, threads: Int = 1
  ) throws -> SecondOrderPruning {
    var request = PruningRequest()
    request.criterion = .secondOrder
    request.scope = .measured
    edit(&request)
    return try SecondOrderPruning(
      graph, configuration: .init(request: request),
      inputs: TensorSet((0..<Self.images).map(Self.image)),
      engine: Engine(registry: .standard, threads: threads))
  }

  /// The relative squared error of the outputs on other images.
  private func distance(_ other: Graph) throws -> Double {
    let (a, b) = try (
      Session(graph, registry: .standard), Session(other, registry: .standard)
    )
    var (error, size) = (0.0, 0.0)
    for index in 50..<56 {
      let (expected, found) = try (a.run(Self.image(index)), b.run(Self.image(index)))
      for (name, tensor) in expected {
        for (x, y) in zip(tensor.floats, found[name]?.floats ?? []) {
          error += Double((x - y) * (x - y))
          size += Double(x * x)
        }
      }
    }
    return error / size
  }

  private func zeros(_ graph: Graph) -> Int {
    SampleNetwork.open.reduce(0) { sum, name in
      sum + (graph[constant: name]?.floats.count { $0 == 0 } ?? 0)
    }
  }

  private var prunable: Int {
    SampleNetwork.open.reduce(0) { $0 + (graph[constant: $1]?.count ?? 0) }
  }

  @Test(arguments: [0.3, 0.5, 0.75])
  func theSparsityIsMetAndTheOutputsStayNearer(sparsity: Double) throws {
    let pruning = try pruning { $0.sparsity = sparsity }
    let plan = try pruning.plan(damage: distance)
    let outcome = try pruning.apply(plan)
    #expect(zeros(outcome.graph) == Int((sparsity * Double(prunable)).rounded()))
    #expect(plan.sparsity == Double(plan.zeros) / Double(plan.prunable))
    var request = PruningRequest()
    request.sparsity = sparsity
    let magnitude = try request.plan(for: graph, registry: .standard)
      .applied(to: graph, registry: .standard)
    #expect(try distance(outcome.graph) < 0.5 * distance(magnitude))
  }

  @Test func sparsityZeroLeavesTheFunction() throws {
    let pruning = try pruning { $0.sparsity = 0 }
    let outcome = try pruning.apply(try pruning.plan(damage: distance))
    #expect(zeros(outcome.graph) == 0)
    #expect(try distance(outcome.graph) < Tolerance.network.bound)
  }

  /// Two products of the same input are added: the second can take back what the first one loses.
  @Test func theLayerBesideAShortcutTakesBackItsError() throws {
    var random = SplitMix64(seed: 11)
    func weights(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }
    var graph = Graph(
      inputs: [ValueInfo(name: "image", type: ValueType(TensorType(.float32, [1, 3, 8, 8])))],
      outputs: [ValueInfo(name: "sum", type: .undeclared)])
    for (name, scale) in [("first", Float(1)), ("second", 0.5)] {
      graph.initializers[name + ".weight"] = Initializer(
        Tensor(weights(24).map { $0 * scale }, shape: [8, 3, 1, 1]))
      graph.nodes.append(
        Node("Conv", name: name, inputs: ["image", name + ".weight"], outputs: [name]))
    }
    for (name, value) in [("scale", Float(2)), ("shift", 0.1), ("mean", 0.2), ("variance", 4)] {
      graph.initializers[name] = Initializer(
        Tensor([Float](repeating: value, count: 8), shape: [8]))
    }
    graph.nodes.append(
      Node(
        "BatchNormalization", name: "norm",
        inputs: ["second", "scale", "shift", "mean", "variance"], outputs: ["normed"]))
    graph.nodes.append(Node("Add", name: "sum", inputs: ["normed", "first"], outputs: ["sum"]))
    var request = PruningRequest()
    (request.criterion, request.sparsity, request.keepsEnds) = (.secondOrder, 0, false)
    request.overrides = [(NamePattern("first"), 0.5)]
    let inputs = TensorSet((0..<Self.images).map(Self.image))
    let engine = Engine(registry: .standard, threads: 1)
    let pruning = try SecondOrderPruning(
      graph, configuration: .init(request: request), inputs: inputs, engine: engine)
    let pruned = try pruning.apply(pruning.plan { _ in 0 }).graph
    #expect(pruned[constant: "first.weight"]?.floats.count { $0 == 0 } == 12)
    for index in 60..<62 {
      let whole = try Session(graph, registry: .standard).run(Self.image(index))["sum"]
      let found = try Session(pruned, registry: .standard).run(Self.image(index))["sum"]
      let error = normalizedMaxError(found?.floats ?? [], whole?.floats ?? [1])
      #expect(error < 1e-3, "\(error)")
    }
  }

  @Test func aPlanReplaysAtAnyNumberOfThreads() throws {
    let plan = try pruning().plan(damage: distance)
    let first = try pruning().apply(plan).graph
    #expect(try pruning(threads: 2).apply(plan).graph == first)
    #expect(try pruning().plan(damage: distance) == plan)
  }

  @Test func patternsAreKept() throws {
    let pruning = try pruning {
      ($0.pattern, $0.scope) = (.keep(2, of: 4), .local)
      $0.excluded = ["depthwise"].map { .init($0) }
    }
    let outcome = try pruning.apply(try pruning.plan(damage: distance))
    let values = try #require(outcome.graph[constant: "deep.weight"]?.floats)
    for output in 0..<16 {
      for group in stride(from: 0, to: 32, by: 4) {
        for tap in 0..<9 {
          let count = (0..<4).count { values[(output * 32 + group + $0) * 9 + tap] == 0 }
          #expect(count == 2)
        }
      }
    }
  }

  @Test func layersWithoutABiasGetOneWhereItHelps() throws {
    #expect(graph.nodes.allSatisfy { $0.inputs.count == 2 || $0.opType == "Relu" })
    let pruning = try pruning()
    let outcome = try pruning.apply(try pruning.plan(damage: distance))
    try outcome.graph.verify()
    let wide = try #require(outcome.graph.nodes.first { $0.name == "wide" })
    #expect(wide.inputs.count == 3)
  }

  @Test func aPlanOfAnotherModelIsRefused() throws {
    var plan = try pruning().plan(damage: distance)
    plan.fingerprint = "0"
    #expect(throws: PruningError.self) { _ = try pruning().apply(plan) }
  }

  @Test func aPlanThatNeedsImagesIsNotAppliedWithout() throws {
    let plan = try pruning().plan(damage: distance)
    #expect(throws: PruningError.needsImages(method: "obs")) {
      _ = try plan.applied(to: graph, registry: .standard)
    }
  }

  @Test func weightsThatAreNotNumbersAreRefused() throws {
    var broken = graph
    var values = try #require(broken[constant: "wide.weight"]?.floats)
    values[3] = .nan
    broken[constant: "wide.weight"] = Tensor(values, shape: [32, 8, 1, 1])
    var request = PruningRequest()
    (request.criterion, request.scope) = (.secondOrder, .measured)
    #expect(throws: NotFinite.self) {
      _ = try SecondOrderPruning(
        broken, configuration: .init(request: request), inputs: TensorSet([Self.image(0)]),
        engine: Engine(registry: .standard))
    }
  }
}
