import ObjectDetection
import Execution
import GraphIR
import Compression
import LowRank
import Operators
import Tensors
import TestSupport
import Testing

/// Refitting on a small network of three convolutions.
@Suite struct ResponseCorrectionTests {
  private let graph: Graph
  private let inputs: [Tensor]

  init() {
    var random = SplitMix64(seed: 21)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 16, 16])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    var value = "x"
    for (index, channels) in [(3, 16), (16, 16), (16, 16), (16, 4)].enumerated() {
      let name = "conv\(index)"
      graph[constant: name + ".weight"] = RandomLayer.noise(
        [channels.1, channels.0, 3, 3], &random)
      graph[constant: name + ".bias"] = RandomLayer.noise([channels.1], &random)
      let output = index == 3 ? "y" : name
      graph.nodes.append(
        Node(
          "Conv", name: name, inputs: [value, name + ".weight", name + ".bias"],
          outputs: [output],
          attributes: ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])]))
      if index < 3 {
        graph.nodes.append(Node("Relu", inputs: [output], outputs: [name + ".y"]))
        value = name + ".y"
      }
    }
    self.graph = graph
    inputs = (0..<6).map { _ in RandomLayer.noise([1, 3, 16, 16], &random) }
  }

  private func layers() throws -> [FactorizableLayer] {
    let operands = TypedGraph(
      graph, registry: .standard, inputs: try graph.concreteInputTypes([:])
    ).operands
    return FactorizableLayers(graph, registry: .standard, operands: operands).layers
  }

  private func error(of other: Graph) throws -> Double {
    let (whole, thin) = (
      try Session(graph, registry: .standard), try Session(other, registry: .standard)
    )
    var sum = 0.0
    for input in inputs {
      let expected = try whole.run(["x": input])["y"]?.floats ?? []
      let found = try thin.run(["x": input])["y"]?.floats ?? []
      for (a, b) in zip(expected, found) { sum += Double(a - b) * Double(a - b) }
    }
    return sum
  }

  private func corrected(
    _ network: FactorizedNetwork, _ kind: ResponseCorrection.Kind
  ) throws -> ResponseCorrection {
    try ResponseCorrection(
      network, original: graph, kind: kind, settings: .init(),
      inputs: TensorSet(inputs.map { ["x": $0] }), engine: Engine(registry: .standard, threads: 2))
  }

  @Test(arguments: ["spatial-svd", "channel-svd", "tucker", "depthwise-separable", "group"])
  func refittingBringsResponsesAndOutputsCloser(name: String) throws {
    let method = try #require(LowRankMethod.named(name))
    let layers = try layers()
    #expect(layers.map(\.weight) == ["conv1.weight", "conv2.weight"])
    let network = FactorizedNetwork(
      graph,
      replacing: try layers.map { layer in
        let factorization = try method.factorization(layer, FactorizationContext())
        let rank = name == "group" ? [2] : factorization.ranks[factorization.ranks.count / 3]
        return (layer, try factorization.factors(rank))
      }, registry: .standard)
    let plain = try error(of: network.graph)
    let bias = try corrected(network, .bias)
    let fitted = try corrected(network, .leastSquares)
    try fitted.network.graph.verify()
    #expect(fitted.layers.count == 2)
    #expect(fitted.layers.allSatisfy { $0.errorAfter < $0.errorBefore && $0.errorAfter >= 0 })
    #expect(try error(of: bias.network.graph) < plain)
    #expect(try error(of: fitted.network.graph) < 0.9 * plain)
    #expect(try corrected(network, .none).layers.isEmpty)
  }

  /// Nodes need not have names.
  @Test func namelessNodesAreRefittedToo() throws {
    var nameless = graph
    for index in nameless.nodes.indices { nameless.nodes[index].name = "" }
    let layers = try layers()
    let network = FactorizedNetwork(
      nameless,
      replacing: try layers.map {
        ($0, try LowRankMethod.group.factorization($0, FactorizationContext()).factors([4]))
      }, registry: .standard)
    let fitted = try corrected(network, .leastSquares)
    #expect(fitted.layers.count == 2)
    #expect(try error(of: fitted.network.graph) < error(of: network.graph))
  }

  /// A bias that is computed is fed when a layer is timed by itself.
  @Test func layersWithComputedBiasesAreTimed() throws {
    var other = graph
    other.inputs.append(
      ValueInfo(name: "conv1.bias", type: ValueType(TensorType(.float32, [16]))))
    other[constant: "conv1.bias"] = nil
    let operands = TypedGraph(
      other, registry: .standard, inputs: try other.concreteInputTypes([:])
    ).operands
    let layer = try #require(
      FactorizableLayers(other, registry: .standard, operands: operands).layers.first)
    let factors = try LowRankMethod.spatialSVD.factorization(layer, FactorizationContext())
      .factors([4])
    let timing = try LayerTiming(layer, factors, in: other, operands: operands, engine: Engine())
    #expect(timing.before > 0 && timing.after > 0 && timing.gain < 1)
  }

  /// The principal components of responses leave no more of them than those of the weights do.
  @Test func componentsOfResponsesKeepMoreOfThem() throws {
    let layers = try layers()
    let moments = try ResponseMoments.collect(
      layers, in: graph, settings: .init(), inputs: TensorSet(inputs.map { ["x": $0] }),
      engine: Engine(registry: .standard))
    var errors: [Double] = []
    for context in [
      FactorizationContext(responses: moments["conv1.weight"]), FactorizationContext(),
    ] {
      let factors = try LowRankMethod.responseSVD.factorization(layers[0], context).factors([6])
      let network = FactorizedNetwork(graph, replacing: [(layers[0], factors)], registry: .standard)
      let refitted = try corrected(network, .bias)
      errors.append(try #require(refitted.layers.first).errorAfter)
    }
    #expect(errors[0] < errors[1], "\(errors)")
  }

  @Test func layersThatStayAreNamedWithTheReason() throws {
    var other = graph
    other.nodes[2].attributes["group"] = .int(2)
    other[constant: "conv1.weight"] = Tensor(
      [Float](repeating: 1, count: 16 * 8 * 9), shape: [16, 8, 3, 3])
    other[constant: "conv2.weight"] = Tensor(
      [Float](repeating: .nan, count: 16 * 16 * 9), shape: [16, 16, 3, 3])
    let operands = TypedGraph(
      other, registry: .standard, inputs: try other.concreteInputTypes([:])
    ).operands
    let found = FactorizableLayers(other, registry: .standard, operands: operands)
    #expect(found.layers.isEmpty)
    #expect(
      found.skipped == [
        .init(weight: "conv0.weight", reason: "first layer"),
        .init(weight: "conv1.weight", reason: "convolves in groups"),
        .init(weight: "conv2.weight", reason: "not finite"),
        .init(weight: "conv3.weight", reason: "makes the outputs"),
      ])
    let excluded = FactorizableLayers(
      graph, registry: .standard, operands: operands, excluded: [NamePattern("*2")])
    #expect(excluded.skipped.contains(.init(weight: "conv2.weight", reason: "excluded")))
  }
}
