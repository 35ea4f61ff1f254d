import Compression
import Execution
import GraphIR
import ObjectDetection
import Operators
import Prune
import TestSupport
import Tensors
import Testing

/// What responses count, against derivatives by finite differences and by exact properties.
@Suite struct ResponseImportanceTests {
  private let engine = Engine(registry: .standard, threads: 2)

  /// Two layers with a smooth function between; its output is not a head.
  private func network() -> Graph {
    var random = SplitMix64(seed: 5)
    var graph = Graph(
      inputs: [ValueInfo(name: "image", type: ValueType(TensorType(.float32, [1, 3, 4, 4])))],
      outputs: [ValueInfo(name: "y", type: ValueType(TensorType(.float32, [1, 2, 4, 4])))])
    func conv(_ name: String, _ input: String, _ shape: [Int], to output: String) {
      graph[constant: name] = Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) },
        shape: shape)
      let pad = shape[2] / 2
      graph.nodes.append(
        Node(
          "Conv", name: name, inputs: [input, name], outputs: [output],
          attributes: ["pads": .ints([pad, pad, pad, pad])]))
    }
    conv("first", "image", [3, 3, 1, 1], to: "a")
    graph.nodes.append(Node("Sigmoid", name: "sigmoid", inputs: ["a"], outputs: ["b"]))
    conv("second", "b", [2, 3, 3, 3], to: "y")
    return graph
  }

  private func images(_ graph: Graph) throws -> CalibrationImages {
    try CalibrationImages(graph, nil, count: 1, engine: engine)
  }

  /// The mean of the estimates of `c` for a value, over some seeds.
  private func curvature(
    _ name: String, shape: [Int], seeds: Int
  ) throws -> [Double] {
    let graph = network()
    var sums = [Double](repeating: 0, count: shape.reduce(1, *))
    for seed in 0..<seeds {
      let known = ResponseCurvature(
        graph, of: [(name, shape)], answer: .outputs, images: try images(graph),
        settings: HeadSettings(),
        seed: UInt64(seed), engine: engine)
      let curvature = try #require(known)
      try curvature.derivatives(0) { found in
        for (index, value) in (found[0] ?? .init(start: nil, count: 0)).enumerated() {
          sums[index] += Double(value) * Double(value) / Double(seeds)
        }
      }
    }
    return sums
  }

  /// The answer, with a number added to one element of the first layer's response.
  private func answer(adding shift: Float, to element: Int) throws -> [Double] {
    var graph = network()
    graph.nodes[0].outputs = ["before"]
    var values = [Float](repeating: 0, count: 48)
    values[element] = shift
    graph[constant: "shift"] = Tensor(values, shape: [1, 3, 4, 4])
    graph.nodes.insert(Node("Add", inputs: ["before", "shift"], outputs: ["a"]), at: 1)
    let feed = try images(network()).feed(0)
    let found = try engine.session(graph).run(feed)
    return try #require(found["y"]).doubles
  }

  @Test func theAnswersOwnCurvatureIsExact() throws {
    let values = try answer(adding: 0, to: 0)
    let mean = values.reduce(0, +) / 32
    let variation = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    for found in try curvature("y", shape: [1, 2, 4, 4], seeds: 1) {
      #expect(abs(found * variation / 2 - 1) < 1e-4)
    }
  }

  /// `½ c Δ²` is the distance that a change of one element makes.
  @Test func theMeanOfTheEstimatesIsTheCurvature() throws {
    let found = try curvature("a", shape: [1, 3, 4, 4], seeds: 400)
    let plain = try answer(adding: 0, to: 0)
    let mean = plain.reduce(0, +) / 32
    let variation = plain.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let shift: Float = 1e-2
    let expected = try (0..<48).map { element in
      let moved = try answer(adding: shift, to: element)
      return 2 * zip(moved, plain).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / variation
        / Double(shift * shift)
    }
    let sums: (found: Double, expected: Double) = (found.reduce(0, +), expected.reduce(0, +))
    #expect(abs(sums.found / sums.expected - 1) < 0.05)
    // Each element is a mean of 400 squares of sums of random signs.
    for (one, other) in zip(found, expected) { #expect(abs(one / other - 1) < 0.5) }
  }

  /// The first layer's importance.
  private func importance(
    _ positions: [Int], seed: UInt64 = 7
  ) throws -> ResponseImportance.Layer {
    let graph = network()
    let operands = try engine.typed(graph).operands
    let weighted = WeightedLayers(graph, registry: engine.registry).layers[0]
    let tensor = try #require(graph[constant: "first"])
    let layer = PatchReader(graph.nodes[0], weighted.rules, weights: tensor, operands: operands)
    let reader = try #require(layer)
    let found = try ResponseImportance(
      graph, of: [.init(node: 0, reader: reader) { _ in positions }], for: .outputs,
      images: try images(graph),
      head: HeadSettings(), seed: seed, engine: engine)
    return try #require(found?[0])
  }

  @Test func whereAllPositionsAreSampledTheirMeanWeightIsOne() throws {
    let layer = try importance(Array(0..<16))
    #expect(layer.positions == [Array(0..<16)])
    #expect(abs(layer.weights[0].reduce(0, +) / 16 - 1) < 1e-4)
    #expect((layer.weights[0].max() ?? 0) > 1.2 * (layer.weights[0].min() ?? 0))
    #expect(layer.outputs.count == 3 && layer.outputs.allSatisfy { $0 > 0 })
  }

  /// Sums over samples are those over all positions, whatever the chance of each.
  @Test func samplesAreWeightedByWhatTheirChanceLeaves() throws {
    // In each draw there are fewer positions than in the plane; together there are many.
    var (sums, expected) = ([Double](repeating: 0, count: 16), [Double](repeating: 0, count: 16))
    var random = SplitMix64(seed: 1)
    for seed in 0..<300 as Range<UInt64> {
      let uniform = (0..<14).map { _ in Int.random(in: 0..<16, using: &random) }
      let layer = try importance(uniform, seed: seed)
      for (place, weight) in zip(layer.positions[0], layer.weights[0]) {
        sums[place] += Double(weight) / 14
      }
      for (place, weight) in try importance(Array(0..<16), seed: seed).weights[0].enumerated() {
        expected[place] += Double(weight) / 16
      }
    }
    for (found, wanted) in zip(sums, expected) { #expect(abs(found / wanted - 1) < 0.15) }
  }
}
