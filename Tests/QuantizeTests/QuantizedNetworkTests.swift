import Architectures
import Execution
import Foundation
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// Networks with quantisation around their layers, and the integer arithmetic that runs them.
@Suite struct QuantizedNetworkTests {
  private static let size = 64

  private func network(_ name: String) throws -> Graph {
    let architecture = try #require(Architecture.named(name))
    let made = try architecture.build(
      ArchitectureOptions(
        classes: ["a", "b"], width: 0.25, depth: 0.34, imageSize: Self.size, seed: 3))
    return try made.preparedForQuantization(registry: .standard)
  }

  private func feed(_ graph: Graph, seed: UInt64) -> [String: Tensor] {
    var random = SplitMix64(seed: seed)
    let values = (0..<3 * Self.size * Self.size).map { _ in Float.random(in: 0...1, using: &random)
    }
    return [graph.requiredInputs[0].name: Tensor(values, shape: [1, 3, Self.size, Self.size])]
  }

  private func quantized(
    _ graph: Graph, _ scheme: QuantizationScheme = .init(), excluded: [String: String] = [:],
    threads: Int = 1
  ) throws -> (graph: Graph, plan: QuantizationPlan) {
    let sites = QuantizationSites(graph, registry: .standard, excluded: excluded)
    let observer = try #require(Observer.named("minmax"))
    let images = [feed(graph, seed: 1), feed(graph, seed: 2)]
    let calibration = try Calibration(
      graph, values: sites.observed, countsNumbers: true, inputs: TensorSet(images),
      engine: inference(threads: threads))
    let activations = try sites.observed.map { name in
      QuantizationPlan.Activation(
        name: name,
        range: try observer.range(
          of: try #require(calibration.statistics[name]), scheme: scheme))
    }
    let plan = QuantizationPlan(
      scheme: scheme, observer: "minmax",
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: activations,
      kept: sites.kept)
    return (try QuantizedNetwork(graph, plan: plan, sites: sites).graph, plan)
  }

  private func session(_ graph: Graph, _ passes: [any GraphPass], threads: Int = 1) throws
    -> Session
  {
    try Session(
      graph, registry: .standard, options: SessionOptions(threads: threads, passes: passes))
  }

  private func distance(_ a: [String: Tensor], _ b: [String: Tensor]) -> Double {
    a.reduce(0) { worst, output in
      let (x, y) = (output.value.doubles, b[output.key]?.doubles ?? [])
      let scale = x.reduce(0) { max($0, abs($1)) }
      let error = zip(x, y).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(max(x.count, 1))
      return max(worst, error / max(scale, 1e-9))
    }
  }

  @Test(arguments: Architecture.all.map(\.name))
  func everyArchitectureComputesOnIntegersWhatItsNodesSay(name: String) throws {
    let graph = try network(name)
    let (integers, _) = try quantized(graph)
    try integers.verify()
    let input = feed(graph, seed: 9)
    let float = try session(graph, []).run(input)
    let defined = try ReferenceInterpreter(integers, registry: .standard).run(input)
    let run = try session(integers, StandardRewrites.inference)
    let found = try run.run(input)
    #expect(distance(float, defined) < 0.03)
    #expect(distance(defined, found) < 0.005)
    let kinds = Dictionary(run.graph.nodes.map { ($0.opType, 1) }, uniquingKeysWith: +)
    #expect(kinds["Conv"] == nil && kinds["FusedConv"] == nil, "\(kinds)")
    #expect((kinds["QLinearConv"] ?? 0) + (kinds["FusedQLinearConv"] ?? 0) > 5, "\(kinds)")
    let threaded = try session(integers, StandardRewrites.inference, threads: 3).run(input)
    #expect(threaded == found)
  }

  @Test func fewerBitsCostMore() throws {
    let graph = try network("yolov8n")
    let input = feed(graph, seed: 9)
    let float = try session(graph, []).run(input)
    let errors = try [8, 6, 4].map { bits in
      var scheme = QuantizationScheme()
      (scheme.weightBits, scheme.activationBits) = (bits, bits)
      return distance(
        float,
        try session(try quantized(graph, scheme).graph, StandardRewrites.inference).run(input))
    }
    #expect(errors[0] < errors[1] && errors[1] < errors[2], "\(errors)")
  }

  @Test func whatDecodesStaysFloatAndSaysWhy() throws {
    let graph = try network("yolov8n")
    let sites = QuantizationSites(graph, registry: .standard)
    let kept = Set(sites.kept.map(\.opType))
    #expect(sites.kept.contains { $0.reason.contains("decodes") }, "\(kept)")
    let quantized = Set(sites.nodes.map { graph.nodes[$0].opType })
    #expect(!quantized.contains("Softmax"))
    #expect(quantized.contains("Conv") && quantized.contains("Concat"))
    #expect(Set(graph.outputs.map(\.name)).isDisjoint(with: sites.observed))
  }

  @Test func excludedLayersKeepTheirWeights() throws {
    let graph = try network("yolov5n")
    let layer = try #require(graph.nodes.first { $0.opType == "Conv" })
    let (result, plan) = try quantized(graph, excluded: [layer.outputs[0]: "a test says so"])
    #expect(plan.kept.contains { $0.reason == "a test says so" })
    let weights = try #require(graph[constant: layer.inputs[1]])
    #expect(result[constant: layer.inputs[1]] == weights)
    let input = feed(graph, seed: 9)
    #expect(
      distance(
        try session(graph, []).run(input),
        try session(result, StandardRewrites.inference).run(input)) < 0.03)
  }

  @Test func threadsDoNotChangeThePlan() throws {
    let graph = try network("mobilenetv2-ssdlite")
    let (one, two) = (try quantized(graph), try quantized(graph, threads: 3))
    #expect(one.plan == two.plan && one.graph == two.graph)
  }

  @Test func weightsAreStoredAsBytes() throws {
    let graph = try network("vgg11")
    func bytes(_ graph: Graph) -> Int {
      graph.initializers.values.reduce(0) { $0 + $1.tensor.byteCount }
    }
    #expect(bytes(try quantized(graph).graph) * 10 < bytes(graph) * 3)
  }

  @Test func aQuantisedNetworkIsNotQuantisedAgain() throws {
    let graph = try quantized(try network("yolov5n")).graph
    #expect(throws: QuantizationError.self) {
      try graph.preparedForQuantization(registry: .standard)
    }
  }

  /// Convolutions with a depthwise one between, ReLU and LeakyReLU, and channels of very unequal
  /// ranges.
  private func chain() -> Graph {
    var random = SplitMix64(seed: 5)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 64, 64])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    var value = "x"
    for (name, shape, group) in [
      ("a", [8, 3, 3, 3], 1), ("b", [8, 1, 3, 3], 8), ("c", [6, 8, 1, 1], 1),
    ] {
      let inner = shape.dropFirst().reduce(1, *)
      let weights = (0..<shape.product).map { index in
        Float.random(in: -1...1, using: &random) * exp2(Float(index / inner % 7) - 4)
      }
      graph[constant: name + ".w"] = Tensor(weights, shape: shape)
      graph[constant: name + ".b"] = Tensor((0..<shape[0]).map { Float($0 % 3) - 1 })
      graph.nodes.append(
        Node(
          "Conv", name: name, inputs: [value, name + ".w", name + ".b"],
          outputs: [name == "c" ? "y" : name], attributes: ["group": .int(group)]))
      guard name != "c" else { break }
      let function = name == "a" ? "Relu" : "LeakyRelu"
      graph.nodes.append(Node(function, name: name + ".f", inputs: [name], outputs: [name + ".y"]))
      value = name + ".y"
    }
    return graph
  }

  /// The largest magnitude of each channel of a constant along an axis.
  private func largest(_ graph: Graph, _ name: String, axis: Int) -> [Float] {
    guard let tensor = graph[constant: name] else { return [] }
    let inner = tensor.shape[(axis + 1)...].reduce(1, *)
    var result = [Float](repeating: 0, count: tensor.shape[axis])
    for (index, value) in tensor.floats.enumerated() {
      let channel = index / inner % result.count
      result[channel] = max(result[channel], abs(value))
    }
    return result
  }

  @Test func equalisationKeepsTheFunctionAndEvensRanges() throws {
    let graph = chain()
    let input = feed(graph, seed: 9)
    let before = try session(graph, []).run(input)
    let equalization = CrossLayerEqualization(graph, registry: .standard)
    #expect(equalization.pairs.map(\.isDepthwise) == [true, false])
    var byWeights = graph
    #expect(equalization.applyByWeights(to: &byWeights).sweeps < 40)
    #expect(distance(before, try session(byWeights, []).run(input)) < 1e-5)
    let magnitudes = try equalization.magnitudes(
      graph, inputs: TensorSet([input]), engine: inference())
    var byActivations = graph
    equalization.apply(to: &byActivations, magnitudes: magnitudes)
    #expect(distance(before, try session(byActivations, []).run(input)) < 1e-5)
    #expect(byActivations != graph && byWeights != graph)
    for (first, second, axis) in [("a.w", "b.w", 0), ("b.w", "c.w", 1)] {
      let pairs = zip(largest(byWeights, first, axis: 0), largest(byWeights, second, axis: axis))
      for (a, b) in pairs { #expect(abs(a / b - 1) < 0.01, "\(first) \(a) \(b)") }
    }
  }

  @Test func correctedBiasesBringMeansBack() throws {
    let graph = chain()
    var scheme = QuantizationScheme()
    scheme.weightBits = 4
    let plan = try quantized(graph, scheme).plan
    let sites = QuantizationSites(graph, registry: .standard)
    let images = [feed(graph, seed: 1), feed(graph, seed: 2)]
    let inputs = TensorSet(images)
    let correction = try BiasCorrection(
      graph, plan: plan, sites: sites, inputs: inputs, engine: inference())
    #expect(Set(correction.shifts.keys) == ["a", "b", "y"])
    var corrected = graph
    BiasCorrection.apply(correction.shifts, to: &corrected, registry: .standard)
    func means(_ graph: Graph) throws -> [Double] {
      let session = try session(graph, StandardRewrites.inference)
      var sums = [Double](repeating: 0, count: 6)
      for image in images {
        let y = try #require(try session.run(image)["y"])
        for (index, value) in y.doubles.enumerated() { sums[index / (y.count / 6)] += value }
      }
      return sums
    }
    let expected = try means(graph)
    func gap(_ source: Graph) throws -> Double {
      let found = try means(try QuantizedNetwork(source, plan: plan, sites: sites).graph)
      return zip(expected, found).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
    let (after, before) = (try gap(corrected), try gap(graph))
    #expect(after < 0.1 * before, "\(after) \(before)")
    // Each layer by itself: what rounded weights do to the float network's values.
    let local = try LocalBiasCorrection.shifts(
      graph, plan: plan, sites: sites, inputs: inputs, engine: inference())
    #expect(Set(local.keys) == ["a", "b", "y"])
    var rounded = graph
    let weights = try #require(graph[constant: "a.w"])
    rounded[constant: "a.w"] = Tensor(
      QuantizedWeights(weights, axis: 0, scheme: scheme, bias: nil, inputScale: 1).floats(axis: 0),
      shape: weights.shape)
    let (whole, part) = (
      try ChannelMeans.measured(graph, ["a"], inputs, inference())[0],
      try ChannelMeans.measured(rounded, ["a"], inputs, inference())[0]
    )
    let own = try #require(local["a"])
    let gaps = zip(whole, part).map { $0 - $1 }
    // Biases are integral multiples of their step, too.
    #expect(zip(own, gaps).allSatisfy { abs($0 - $1) < 5e-4 }, "\(own) \(gaps)")
    #expect(gaps.contains { abs($0) > 5e-3 })
    var moved = graph
    BiasCorrection.apply(local, to: &moved, registry: .standard)
    let moderate = try gap(moved)
    // A plan shifts what it quantises and nothing else.
    var shifting = plan
    shifting.biasShifts = local
    let shifted = try QuantizedNetwork(graph, plan: shifting, sites: sites).graph
    #expect(shifted == (try QuantizedNetwork(moved, plan: plan, sites: sites).graph))
    let some = QuantizationSites(graph, registry: .standard, excluded: ["a": "a test"])
    let kept = try QuantizedNetwork(graph, plan: shifting, sites: some).graph
    let first = try #require(kept.nodes.first { $0.outputs.contains("a") })
    #expect(first.inputs[2] == "a.b")
    #expect(moderate < 0.5 * before, "\(moderate) \(before)")
  }

  @Test func oldOperatorSetsAreRewritten() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 4, 6, 6])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets[""] = 9
    graph.nodes = [
      Node(
        "Clip", inputs: ["x"], outputs: ["a"], attributes: ["min": .float(-1), "max": .float(2)]),
      Node(
        "Slice", inputs: ["a"], outputs: ["b"],
        attributes: ["starts": .ints([1]), "ends": .ints([3]), "axes": .ints([1])]),
      Node(
        "Pad", inputs: ["b"], outputs: ["c"],
        attributes: ["pads": .ints([0, 0, 1, 1, 0, 0, 0, 2]), "value": .float(0.5)]),
      Node("Squeeze", inputs: ["c"], outputs: ["d"], attributes: ["axes": .ints([0])]),
      Node("Unsqueeze", inputs: ["d"], outputs: ["e"], attributes: ["axes": .ints([0])]),
      Node(
        "Split", inputs: ["e"], outputs: ["f", "g"],
        attributes: ["axis": .int(1), "split": .ints([1, 1])]),
      Node("Add", inputs: ["f", "g"], outputs: ["h"]),
      Node("Softmax", inputs: ["h"], outputs: ["y"], attributes: ["axis": .int(3)]),
    ]
    let upgraded = try graph.preparedForQuantization(registry: .standard)
    #expect(upgraded.opset == 13)
    var random = SplitMix64(seed: 1)
    let x = Tensor(
      (0..<144).map { _ in Float.random(in: -3...3, using: &random) }, shape: [1, 4, 6, 6])
    let (before, after) = (
      try ReferenceInterpreter(graph, registry: .standard).run(["x": x]),
      try ReferenceInterpreter(upgraded, registry: .standard).run(["x": x])
    )
    #expect(before == after)
    graph.nodes[7].attributes["axis"] = .int(1)
    #expect(throws: QuantizationError.self) {
      try graph.preparedForQuantization(registry: .standard)
    }
  }
}
