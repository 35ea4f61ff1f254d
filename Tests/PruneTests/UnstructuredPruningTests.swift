import Foundation
import GraphIR
import Compression
import Operators
import Prune
import Tensors
import TestSupport
import Testing

@Suite struct UnstructuredPruningTests {
  let graph = SampleNetwork.graph()

  func plan(_ edit: (inout PruningRequest) -> Void) throws -> PruningPlan {
    var request = PruningRequest()
    edit(&request)
    return try request.plan(for: graph, registry: .standard)
  }

  func zeros(_ graph: Graph, _ names: [String]) -> Int {
    names.reduce(0) { $0 + PruningPlanProbe.values(graph, $1).count { $0 == 0 } }
  }

  @Test(
    arguments: SparsityScope.all.map(\.name), [0.0, 0.1, 0.333, 0.5, 0.75, 0.9, 0.999])
  func theTargetIsMetToOneWeight(scope: String, sparsity: Double) throws {
    let scope = try #require(SparsityScope.named(scope))
    let plan = try plan {
      $0.scope = scope
      $0.sparsity = sparsity
    }
    let pruned = try plan.applied(to: graph, registry: .standard)
    let total = SampleNetwork.open.reduce(0) { $0 + PruningPlanProbe.values(graph, $1).count }
    #expect(plan.prunable == total)
    #expect(zeros(pruned, SampleNetwork.open) == Int((sparsity * Double(total)).rounded()))
    #expect(plan.zeros == zeros(pruned, SampleNetwork.open))
    for layer in plan.layers {
      #expect(layer.zerosAfter == zeros(pruned, [layer.weight]))
    }
  }

  @Test func globalScopeKeepsTheLargestOfAllLayers() throws {
    let pruned = try plan { $0.sparsity = 0.6 }.applied(to: graph, registry: .standard)
    let all = SampleNetwork.open.flatMap { PruningPlanProbe.values(graph, $0) }
    let after = SampleNetwork.open.flatMap { PruningPlanProbe.values(pruned, $0) }
    let sorted = all.map(\.magnitude).sorted()
    let threshold = sorted[Int((0.6 * Double(all.count)).rounded())]
    for (old, new) in zip(all, after) { #expect(new == (old.magnitude < threshold ? 0 : old)) }
  }

  @Test func localScopeGivesEachLayerTheSameSparsity() throws {
    let local = try plan {
      $0.scope = .local
      $0.sparsity = 0.6
    }
    for layer in local.layers where layer.keptBecause == nil {
      #expect(abs(Double(layer.zeros) - 0.6 * Double(layer.count)) <= 1)
    }
  }

  /// At 0.8 the densities of the two small layers exceed 1, so they stay dense.
  @Test(arguments: [(0.8, ["deep.weight"]), (0.9, SampleNetwork.open)])
  func erkDensitiesFollowTheExtents(sparsity: Double, expected: [String]) throws {
    let erk = try plan {
      $0.scope = .erdosRenyiKernel
      $0.sparsity = sparsity
    }
    func raw(_ layer: PruningPlan.PrunedLayer) -> Double {
      Double(layer.shape.reduce(0, +)) / Double(layer.shape.reduce(1, *))
    }
    let open = erk.layers.filter { $0.keptBecause == nil }
    let sparse = open.filter { $0.zeros > 0 }
    #expect(sparse.map(\.weight) == expected)
    let epsilons = sparse.map { (1 - $0.sparsity) / raw($0) }
    let highest = try #require(epsilons.max())
    for (layer, epsilon) in zip(sparse, epsilons) {
      #expect((highest - epsilon) * raw(layer) * Double(layer.count) <= 2, "to a weight's rounding")
    }
    for layer in open where layer.zeros == 0 { #expect(highest * raw(layer) >= 1) }
  }

  @Test func sparsityZeroChangesNothing() throws {
    let plan = try plan { $0.sparsity = 0 }
    #expect(plan.isIdentity)
    #expect(try plan.applied(to: graph, registry: .standard) == graph)
  }

  @Test func endsAndFixedProjectionsAreKeptWithTheReason() throws {
    let plan = try plan { $0.sparsity = 0.9 }
    let reasons = Dictionary(uniqueKeysWithValues: plan.layers.map { ($0.weight, $0.keptBecause) })
    #expect(reasons["stem.weight"] == .some(.firstLayer))
    #expect(reasons["box.weight"] == .some(.detectionOutput))
    #expect(reasons["score.weight"] == .some(.detectionOutput))
    #expect(reasons["ramp"] == .some(.fixedProjection))
    let pruned = try plan.applied(to: graph, registry: .standard)
    for name in ["stem.weight", "box.weight", "score.weight", "ramp"] {
      #expect(pruned[constant: name] == graph[constant: name])
    }
  }

  @Test func endsArePrunedWhenAskedFor() throws {
    let plan = try plan {
      $0.sparsity = 0.5
      $0.keepsEnds = false
    }
    #expect(plan.layers.filter { $0.keptBecause != nil }.map(\.weight) == ["ramp"])
  }

  @Test func overridesAndExclusionsGoByGlob() throws {
    let plan = try plan {
      $0.sparsity = 0.5
      $0.overrides = [(NamePattern("stem"), 0.25), (NamePattern("dee*"), 0.9)]
      $0.excluded = [NamePattern("depth*.weight")]
    }
    func layer(_ name: String) throws -> PruningPlan.PrunedLayer {
      try #require(plan.layers.first { $0.weight == name + ".weight" })
    }
    #expect(try layer("stem").zeros == 54)
    #expect(try layer("deep").zeros == Int((0.9 * 16 * 32 * 9).rounded()))
    #expect(try layer("wide").zeros == 128)
    #expect(try layer("depthwise").keptBecause == .excluded)
  }

  @Test func namesThatFitNothingAreErrors() {
    #expect(throws: PruningError.self) {
      try plan { $0.excluded = [NamePattern("nowhere*")] }
    }
    #expect(throws: PruningError.self) {
      try plan { $0.overrides = [(NamePattern("nowhere"), 0.5)] }
    }
  }

  @Test(arguments: [Float.nan, .infinity]) func weightsThatAreNoNumbersAreNamed(
    bad: Float
  ) throws {
    var broken = graph
    var values = PruningPlanProbe.values(graph, "wide.weight")
    values[7] = bad
    broken[constant: "wide.weight"] = Tensor(values, shape: [32, 8, 1, 1])
    let layer = try #require(broken.nodes.first { $0.inputs.contains("wide.weight") })
    let expected = NotFinite.weight(
      name: "wide.weight", node: layer.label, element: [0, 7, 0, 0], number: "\(bad)")
    #expect(throws: expected) { try broken.checkWeightsAreFinite(registry: .standard) }
    #expect(throws: Never.self) {
      try broken.checkWeightsAreFinite(registry: .standard, excluding: [NamePattern("wide.*")])
    }
    #expect(throws: expected) { try PruningRequest().plan(for: broken, registry: .standard) }
  }

  @Test func zerosOfBeforeCountTowardsTheTarget() throws {
    let half = try plan { $0.sparsity = 0.5 }.applied(to: graph, registry: .standard)
    var request = PruningRequest()
    request.sparsity = 0.5
    for criterion in WeightCriterion.all where !criterion.needsGradients && !criterion.needsImages {
      request.criterion = criterion
      let again = try request.plan(for: half, registry: .standard)
      #expect(again.isIdentity, "\(criterion.name)")
      #expect(try again.applied(to: half, registry: .standard) == half)
    }
  }

  @Test func randomPruningFollowsItsSeed() throws {
    func pruned(_ seed: UInt64) throws -> Graph {
      try plan {
        $0.criterion = .random
        $0.seed = seed
      }.applied(to: graph, registry: .standard)
    }
    #expect(try pruned(3) == pruned(3))
    #expect(try pruned(3) != pruned(4))
  }

  @Test func halfPrecisionAndConstantNodesArePruned() throws {
    var other = graph
    let values = PruningPlanProbe.values(graph, "wide.weight")
    other[constant: "wide.weight"] = nil
    other.nodes.insert(
      Node(
        "Constant", inputs: [], outputs: ["wide.weight"],
        attributes: ["value": .tensor(Tensor(values.map { Float16($0) }, shape: [32, 8, 1, 1]))]),
      at: 0)
    var request = PruningRequest()
    request.scope = .local
    let plan = try request.plan(for: other, registry: .standard)
    let pruned = try plan.applied(to: other, registry: .standard)
    let tensor = try #require(try pruned.nodes[0].attributes.tensor("value"))
    #expect(tensor.elementType == .float16)
    #expect(tensor.elements(as: Float16.self).count { $0 == 0 } == 128)
  }

  @Test func aSharedWeightIsPrunedOnce() throws {
    var shared = graph
    shared.nodes.insert(
      Node("Identity", name: "alias", inputs: ["wide.weight"], outputs: ["wide.alias"]), at: 0)
    let place = try #require(shared.nodes.firstIndex { $0.name == "wide" })
    shared.nodes.insert(
      Node("Conv", name: "again", inputs: ["c", "wide.weight"], outputs: ["unused"]),
      at: place + 1)
    shared.nodes.insert(
      Node("Conv", name: "alias2", inputs: ["c", "wide.alias"], outputs: ["unused2"]),
      at: place + 2)
    // The copies lead nowhere, so nothing weighted follows them.
    var request = PruningRequest()
    request.keepsEnds = false
    let plan = try request.plan(for: shared, registry: .standard)
    #expect(plan.layers.count { $0.weight == "wide.weight" } == 1)
    let pruned = try plan.applied(to: shared, registry: .standard)
    let layer = try #require(plan.layers.first { $0.weight == "wide.weight" })
    #expect(layer.keptBecause == nil && layer.zeros > 0)
    #expect(zeros(pruned, ["wide.weight"]) == layer.zerosAfter)
  }

  @Test func weightsBehindIntegersAreListedAsReals() throws {
    var quantised = graph
    quantised[constant: "wide.q"] = Tensor([Int8](repeating: 3, count: 256), shape: [32, 8, 1, 1])
    quantised[constant: "wide.scale"] = Tensor([Float(0.5)], shape: [])
    quantised[constant: "wide.weight"] = nil
    quantised.nodes.insert(
      Node(
        "DequantizeLinear", name: "dq", inputs: ["wide.q", "wide.scale"], outputs: ["wide.weight"]),
      at: 0)
    let plan = try PruningRequest().plan(for: quantised, registry: .standard)
    let layer = try #require(plan.layers.first { $0.weight == "wide.weight" })
    #expect(layer.keptBecause == nil && layer.count == 256)
    let pruned = try plan.applied(to: quantised, registry: .standard)
    let integers = try #require(pruned[constant: "wide.q"]).doubles
    #expect(integers.count { $0 == 0 } == layer.zeros && integers.allSatisfy { $0 == 0 || $0 == 3 })
  }

  @Test func aModelOfQuantisedWeightsSaysSo() throws {
    var quantised = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.uint8, [1, 3, 8, 8])))],
      outputs: [ValueInfo(name: "y", type: ValueType(TensorType(.int32, [1, 4, 8, 8])))])
    quantised[constant: "w"] = Tensor([UInt8](repeating: 128, count: 12), shape: [4, 3, 1, 1])
    quantised.nodes = [Node("ConvInteger", name: "conv", inputs: ["x", "w"], outputs: ["y"])]
    #expect(throws: PruningError.nothingToPrune(kept: [.notFloat: 1])) {
      try PruningRequest().plan(for: quantised, registry: .standard)
    }
  }
}
