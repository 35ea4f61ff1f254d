import Execution
import GraphIR
import Compression
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// Biases, slopes and addends of every shape that broadcasts, and values that are no floats.
@Suite struct SmallOperandTests {
  static let shapes: [[Int]?] = [nil, [], [1], [1, 1], [5], [1, 5]]

  private func distance(_ a: [Tensor], _ b: [Tensor]) -> Double {
    zip(a, b).map { OutputDifference.ofRange($0, $1) }.max() ?? .infinity
  }

  @Test(arguments: shapes, [(1, 1), (0.5, 1), (2, 3)] as [(Float, Float)])
  func biasesOfProductsAreSpreadOverTheChannels(
    shape: [Int]?, factors: (alpha: Float, beta: Float)
  ) throws {
    for transposes in [true, false] {
      let graph = SmallNetwork.graph(
        bias: shape, alpha: factors.alpha, beta: factors.beta, transposes: transposes)
      let (plan, sites) = try SmallNetwork.plan(graph)
      #expect(plan.nodes.contains("hidden"))
      let quantized = try QuantizedNetwork(graph, plan: plan, sites: sites).graph
      let node = try #require(quantized.nodes.first { $0.opType == "Gemm" })
      let float = try ReferenceInterpreter(graph, registry: .standard).run(SmallNetwork.images[0])
      let expected = graph.outputs.compactMap { float[$0.name] }
      #expect(distance(expected, try SmallNetwork.run(quantized)) < 0.02)
      let form = OperatorForm(quantized, registry: .standard).graph
      #expect(form.nodes.contains { $0.opType == "QGemm" })
      #expect(distance(expected, try SmallNetwork.run(form)) < 0.02)
      // The plan's own simulation, which knows nothing of integers, says the same.
      let planned = try PlannedNetwork(graph, plan: plan, sites: sites)
      for network in [quantized, form] {
        let found = try SmallNetwork.run(network)
        #expect(distance(try SmallNetwork.run(planned.graph), found) < 0.004)
      }
      guard shape != nil else { continue }
      let maker = try #require(quantized.nodes.first { $0.outputs[0] == node.inputs[2] })
      #expect(quantized[constant: maker.inputs[0]]?.type == TensorType(.int32, [5]))
      #expect(node.attributes["beta"] == nil || factors.beta == 1)
    }
  }

  /// A bias that differs between rows, or is computed, stays what it is.
  @Test(arguments: [[3, 1], [3, 5]], [false, true])
  func biasesThatAreNoChannelsStayFloat(shape: [Int], isComputed: Bool) throws {
    var random = SplitMix64(seed: 5)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 16, 16])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets[""] = 13
    graph[constant: "a.w"] = SmallNetwork.noise([4, 3, 1, 1], -1...1, &random)
    graph[constant: "w"] = SmallNetwork.noise([4 * 256, 5], -0.1...0.1, &random)
    graph[constant: "b"] = SmallNetwork.noise(shape, -2...2, &random)
    graph[constant: "rows"] = Tensor([0, 0, 0] as [Int64])
    graph.nodes = [
      Node("Conv", inputs: ["x", "a.w"], outputs: ["a"]),
      Node("Flatten", inputs: ["a"], outputs: ["flat"]),
      Node("Gather", inputs: ["flat", "rows"], outputs: ["three"]),
      Node("Neg", inputs: ["b"], outputs: ["minus"]),
      Node("Gemm", inputs: ["three", "w", isComputed ? "minus" : "b"], outputs: ["y"]),
    ]
    let (plan, sites) = try SmallNetwork.plan(graph)
    #expect(plan.nodes.contains("y"))
    let quantized = try QuantizedNetwork(graph, plan: plan, sites: sites).graph
    let product = try #require(quantized.nodes.first { $0.opType == "Gemm" })
    #expect(product.inputs[2] == (isComputed ? "minus" : "b"))
    #expect(distance(try SmallNetwork.run(graph), try SmallNetwork.run(quantized)) < 0.02)
    let planned = try PlannedNetwork(graph, plan: plan, sites: sites)
    #expect(
      distance(try SmallNetwork.run(planned.graph), try SmallNetwork.run(quantized)) < 0.004)
  }

  @Test(arguments: [[], [1], [1, 1], [5]] as [[Int]])
  func roundingIsLearntWhateverTheShapeOfTheBias(shape: [Int]) throws {
    let graph = SmallNetwork.graph(bias: shape)
    var scheme = QuantizationScheme()
    scheme.weightBits = 3
    let (plan, sites) = try SmallNetwork.plan(graph, scheme)
    var settings = AdaptiveRounding.Settings()
    settings.steps = 20
    let rounding = try AdaptiveRounding(
      graph, plan: plan, sites: sites, inputs: TensorSet(Array(SmallNetwork.images.prefix(2))),
      settings: settings, engine: inference())
    #expect(rounding.layers.map(\.output).contains("hidden"))
    var learnt = plan
    learnt.roundings = rounding.roundings
    let quantized = try QuantizedNetwork(graph, plan: learnt, sites: sites).graph
    let planned = try PlannedNetwork(graph, plan: learnt, sites: sites)
    #expect(
      distance(try SmallNetwork.run(planned.graph), try SmallNetwork.run(quantized)) < 0.02)
  }

  /// A shift must not replace a bias that the network computes.
  @Test func computedBiasesAreNotCorrected() throws {
    var graph = SmallNetwork.graph()
    graph.nodes.insert(Node("Neg", inputs: ["b.b"], outputs: ["minus"]), at: 0)
    let index = try #require(graph.nodes.firstIndex { $0.name == "b" })
    graph.nodes[index].inputs[2] = "minus"
    var shifted = graph
    BiasCorrection.apply(
      ["deep": [9, 9, 9, 9], "feat": [1, 2, 3, 4]], to: &shifted, registry: .standard)
    #expect(shifted.nodes[index] == graph.nodes[index])
    let first = try #require(shifted.nodes.first { $0.name == "a" })
    let (new, old) = (
      try #require(shifted[constant: first.inputs[2]]), try #require(graph[constant: "a.b"])
    )
    #expect(zip(new.floats, old.floats).map { $0 - $1 }.map { $0.rounded() } == [1, 2, 3, 4])
  }

  @Test(arguments: [
    ([] as [Int], 3, true), ([1], 3, true), ([4, 1, 1], 3, true), ([1, 4, 1, 1], 3, true),
    ([4], 3, false), ([1, 4], 3, false), ([4, 1], 3, false), ([2, 4, 1, 1], 3, false),
    ([4], 1, true), ([1, 4], 1, true), ([4, 1], 1, false), ([3], 1, false),
  ])
  func numbersAlongAnAxis(shape: [Int], axis: Int, fits: Bool) {
    let values = (0..<shape.product).map { Float($0) + 1 }
    let found = Tensor(values, shape: shape).numbers(along: axis, count: 4)
    #expect(found == (!fits ? nil : values.count == 1 ? [1, 1, 1, 1] : values))
    #expect(Tensor([1, 2, 3, 4] as [Int64]).numbers(along: 1, count: 4) == nil)
  }
}

/// What holds no float32 is never quantised, whatever operator makes or moves it.
@Suite struct ValueTypeTests {
  @Test func onlyRealsAreObserved() throws {
    let graph = SmallNetwork.graph()
    let sites = QuantizationSites(graph, registry: .standard, included: ["y"])
    let all = Set(sites.observed).union(sites.shared.keys)
    #expect(all.isSubset(of: graph.floatValues(registry: .standard)) && !all.contains("indices"))
    #expect(sites.shared["pooled"] == "moved" && sites.shared["indices"] == nil)
  }

  /// Layout operators and concatenations of integers that follow layers or are inputs.
  @Test(arguments: ["ArgMax", "TopK", "Shape", "NonZero", "Cast", "Greater", "input"])
  func wholeNumbersPass(kind: String) throws {
    var random = SplitMix64(seed: 6)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 16, 16])))],
      outputs: ["y", "whole"].map { ValueInfo(name: $0, type: .undeclared) })
    graph.properties.opsets[""] = 13
    for (name, shape) in [("a.w", [4, 3, 1, 1]), ("b.w", [2, 4, 1, 1])] {
      graph[constant: name] = SmallNetwork.noise(shape, -1...1, &random)
    }
    graph[constant: "k"] = Tensor([2] as [Int64])
    graph[constant: "half"] = Tensor(scalar: Float(0.5))
    graph[constant: "flat"] = Tensor([-1] as [Int64])
    graph[constant: "one"] = Tensor([1] as [Int64])
    graph.nodes = [
      Node("Conv", name: "a", inputs: ["x", "a.w"], outputs: ["feat"]),
      Node("Relu", name: "relu", inputs: ["feat"], outputs: ["act"]),
    ]
    var integers = "numbers"
    switch kind {
    case "ArgMax": graph.nodes.append(Node("ArgMax", inputs: ["act"], outputs: ["numbers"]))
    case "TopK":
      graph.nodes.append(Node("TopK", inputs: ["act", "k"], outputs: ["top", "numbers"]))
    case "Shape": graph.nodes.append(Node("Shape", inputs: ["act"], outputs: ["numbers"]))
    case "NonZero": graph.nodes.append(Node("NonZero", inputs: ["act"], outputs: ["numbers"]))
    case "Cast", "Greater":
      graph.nodes += [
        Node("Greater", inputs: ["act", "half"], outputs: ["mask"]),
        Node("Cast", inputs: ["mask"], outputs: ["numbers"], attributes: ["to": .int(7)]),
      ]
    default:
      integers = "sizes"
      graph.inputs.append(ValueInfo(name: "sizes", type: ValueType(TensorType(.int64, [1, 2]))))
    }
    graph.nodes += [
      Node("Reshape", inputs: [integers, "flat"], outputs: ["row"]),
      Node("Concat", inputs: ["row", "one"], outputs: ["joined"], attributes: ["axis": .int(0)]),
      Node("Add", inputs: ["joined", "one"], outputs: ["whole"]),
      Node("Conv", name: "b", inputs: ["act", "b.w"], outputs: ["y"]),
    ]
    let sites = QuantizationSites(graph, registry: .standard, included: ["whole", "joined", "row"])
    let all = Set(sites.observed).union(sites.shared.keys)
    #expect(all.isDisjoint(with: ["numbers", "sizes", "row", "joined", "whole", "mask"]))
    #expect(all.isSuperset(of: ["x", "act"]))
    let plan = QuantizationPlan(
      scheme: .init(), observer: "minmax", nodes: [],
      activations: sites.observed.map { .init(name: $0, range: -4...4) }, kept: [])
    let quantized = try QuantizedNetwork(graph, plan: plan, sites: sites).graph
    try quantized.verify()
    var feed = SmallNetwork.images[0]
    if kind == "input" { feed["sizes"] = Tensor([16, 16] as [Int64], shape: [1, 2]) }
    let found = try ReferenceInterpreter(quantized, registry: .standard).run(feed)
    #expect(found["whole"]?.elementType == .int64 && found["y"]?.shape == [1, 2, 16, 16])
  }
}
