import CompressKit
import Testing

/// `x / (1 + |x|)`, an operator of a domain that the library does not know.
struct Squash: ElementwiseOperator, ChannelOperator, QuantizableOperator, DifferentiableOperator {
  static let opType = "Squash"
  static let domain = "stranger"
  static let quantizationRole = QuantizationRole.function

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    guard inputs.count == 1, let x = inputs[0] else {
      throw OperatorError.inputCount(expected: "1", found: inputs.count)
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0]?.elements(as: Float.self) else { return }
    let y = call.outputs[0].elements(as: Float.self)
    for index in x.indices { y[index] = x[index] / (1 + x[index].magnitude) }
  }

  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }

  /// `dy / dx = (1 − |y|)²`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let magnitude = derivation("Abs", derivation.output(0))
    let rest = derivation("Sub", derivation.constant(1), magnitude)
    return [derivation("Mul", derivation("Mul", rest, rest), derivation.gradient())]
  }
}

/// What every method makes of an operator that a program adds to the registry of its engine.
@Suite struct StrangeOperatorTests {
  private let registry = OperatorRegistry.standard.adding([Squash.self])
  private var engine: Engine { Engine(registry: registry, rewrites: StandardRewrites.inference) }

  /// The network of strangers with ``Squash`` in place of ReLU.
  private func network() -> Graph {
    var graph = Strange.network()
    graph.properties.opsets["stranger"] = 1
    for index in graph.nodes.indices where graph.nodes[index].opType == "Relu" {
      (graph.nodes[index].opType, graph.nodes[index].domain) = ("Squash", "stranger")
    }
    return graph
  }

  @Test func sessionsRunIt() throws {
    let graph = network()
    #expect(throws: NodeError.self) { try Engine().session(graph) }
    let output = try engine.session(graph, taps: ["hidden", "active"]).run(["x": Strange.image(0)])
    let (x, y) = (try #require(output["hidden"]).floats, try #require(output["active"]).floats)
    #expect(zip(x, y).allSatisfy { abs($1 - $0 / (1 + abs($0))) < 1e-6 })
  }

  @Test func channelsAreRemovedAroundIt() throws {
    let graph = network()
    let method = ChannelPruning(criterion: .l1, target: .channels(0.25), engine: engine)
    let plan = try method.plan(for: graph).plan
    #expect(plan.removedChannels > 0)
    let images = try CalibrationImages(graph, nil, count: 2, engine: engine)
    #expect(try method.apply(plan, to: graph, images: images).proof.holds)
  }

  @Test func layersAroundItAreFactorised() throws {
    let graph = network()
    var configuration = LowRankFactorization.Configuration(.rule(.ratio(0.5)))
    (configuration.gain, configuration.multiple) = (.parameters, 1)
    configuration.keepsEnds = false
    let method = LowRankFactorization(configuration, engine: engine)
    let images = try CalibrationImages(graph, nil, count: 1, engine: engine)
    let outcome = try method.run(on: graph, images: images)
    #expect(!outcome.plan.layers.isEmpty && outcome.proof.holds)
  }

  /// It stands between Q/DQ nodes, and the engine makes a table of 256 bytes of it.
  @Test func itIsQuantized() throws {
    let graph = try network().preparedForQuantization(registry: registry)
    let sites = QuantizationSites(graph, registry: registry)
    #expect(sites.nodes.map { graph.nodes[$0].opType }.contains("Squash"))
    let images = TensorSet((0..<3).map { ["x": Strange.image($0)] })
    let seen = try Calibration(
      graph, values: sites.observed, countsNumbers: false, inputs: images, engine: engine
    ).statistics
    let plan = QuantizationPlan(
      scheme: QuantizationScheme(), observer: "minmax",
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first },
      activations: try sites.observed.map { name in
        let range = try #require(Observer.named("minmax")).range(
          of: try #require(seen[name]), scheme: QuantizationScheme())
        return .init(name: name, range: range)
      }, kept: sites.kept)
    let quantized = try QuantizedNetwork(graph, plan: plan, sites: sites).graph
    #expect(quantized.isQuantized(registry) && !graph.isQuantized(registry))
    var prediction = try Prediction(images, engine: engine)
    let planned = try PlannedNetwork(graph, plan: plan, sites: sites)
    prediction.claims = [
      .init(
        what: "quantising", expected: planned.graph, renamed: planned.outputs, float: graph)
    ]
    #expect(try prediction.check(quantized).images == 2)
    let session = try engine.session(quantized)
    _ = try session.runProfiled()
    #expect(!session.profile.contains { $0.opType == "Squash" })
  }

  @Test func gradientsPassIt() throws {
    let step = try TrainingStep(
      network(), taps: ["y"], parameters: ["first.weight"],
      options: .init(batchSize: 1, imageSize: (8, 8), engine: engine))
    for (index, value) in Strange.image(0).floats.enumerated() { step.images[index] = value }
    try step.forward()
    for map in step.maps { map.gradient.update(repeating: 1, count: map.shape.reduce(1, *)) }
    try step.backward()
    let gradient = try #require(step.gradient(of: 0))
    #expect(gradient.contains { $0 != 0 } && gradient.allSatisfy(\.isFinite))
  }
}
