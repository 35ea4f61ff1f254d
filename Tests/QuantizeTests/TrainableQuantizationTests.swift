import Execution
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing
import Training

/// Quantised networks in the form that is trained, and back.
@Suite struct TrainableQuantizationTests {
  private static func scheme(_ bits: Int) -> QuantizationScheme {
    var scheme = QuantizationScheme()
    (scheme.weightBits, scheme.activationBits) = (bits, bits)
    return scheme
  }

  @Test(arguments: ["yolov8n", "yolov5n", "mobilenetv2-ssdlite"], [8, 4])
  func roundsAsTheQuantisedNetworkDoes(name: String, bits: Int) throws {
    let network = try TinyNetwork(name)
    let quantized = try network.quantized(try network.plan(Self.scheme(bits)))
    let trainable = try TrainableQuantization(quantized, registry: .standard)
    let kinds = Set(trainable.graph.nodes.map(\.opType))
    #expect(kinds.contains("FakeQuantize"))
    let defined = try ReferenceInterpreter(quantized, registry: .standard).run(network.images[0])
    let found = try ReferenceInterpreter(trainable.graph, registry: .standard).run(
      network.images[0])
    // Ties fall the other way here and there, for scales are powers of their logarithms.
    #expect(TinyNetwork.distance(defined, found) < 0.004)
  }

  @Test(arguments: ["yolov8n", "mobilenetv2-ssdlite"], [8, 4])
  func untrainedNetworksComeBackAsTheyWere(name: String, bits: Int) throws {
    let network = try TinyNetwork(name)
    let quantized = try network.quantized(try network.plan(Self.scheme(bits)))
    let trainable = try TrainableQuantization(quantized, registry: .standard)
    let back = try trainable.quantized(trainable.graph)
    #expect(back.nodes == quantized.nodes)
    for (name, initializer) in quantized.initializers {
      let (old, new) = (initializer.tensor, try #require(back[constant: name]))
      #expect(old.type == new.type)
      if old.elementType == .float32 {
        for (a, b) in zip(old.floats, new.floats) { #expect(abs(a - b) <= 1e-5 * abs(a)) }
      } else {
        // A bias may differ by a step of its unit, which follows the scales.
        let slack =
          old.elementType == .int32 ? 2 + (old.integers.map { abs($0) }.max() ?? 0) / 50_000 : 0
        for (a, b) in zip(old.integers, new.integers) { #expect(abs(a - b) <= slack, "\(name)") }
      }
    }
  }

  @Test func stepsAndWeightsAreParameters() throws {
    let network = try TinyNetwork("yolov8n")
    let trainable = try TrainableQuantization(
      try network.quantized(try network.plan()), registry: .standard)
    let parameters = TrainableParameter.all(in: trainable.graph, registry: .standard)
    let (weights, steps) = (
      parameters.filter { $0.role == .weight }, parameters.filter { $0.name.hasSuffix("/exponent") }
    )
    #expect(weights.count > 20 && steps.count > weights.count)
    #expect(steps.allSatisfy { $0.role == .normalisation })
    let gradient = try Gradient(
      of: trainable.graph.outputs.map(\.name), withRespectTo: parameters.map(\.name),
      in: trainable.graph, registry: .training)
    #expect(gradient.gradients.count > parameters.count * 9 / 10)
  }

  @Test func aChangedStepReachesTheFile() throws {
    let network = try TinyNetwork("yolov8n")
    let quantized = try network.quantized(try network.plan())
    let trainable = try TrainableQuantization(quantized, registry: .standard)
    var trained = trainable.graph
    let exponents = trained.initializers.keys.filter { $0.hasSuffix("/exponent") }.sorted()
    for name in exponents {
      let old = try #require(trained[constant: name])
      trained[constant: name] = Tensor(old.floats.map { $0 + 1 }, shape: old.shape)
    }
    let back = try trainable.quantized(trained)
    try back.verify()
    for name in exponents {
      let scale = String(name.dropLast("/exponent".count))
      let (old, new) = (
        try #require(quantized[constant: scale]), try #require(back[constant: scale])
      )
      #expect(zip(old.floats, new.floats).allSatisfy { abs($1 / $0 - 2) < 1e-4 }, "\(scale)")
    }
    // Steps of twice the size lose one bit, no more.
    let distance = TinyNetwork.distance(
      try network.run(quantized), try network.run(back))
    #expect(distance > 0 && distance < 0.05, "\(distance)")
  }

  @Test func zerosOfPruningAreToldFromThoseOfRounding() throws {
    let network = try TinyNetwork("yolov8n")
    for bits in [8, 3] {
      let trainable = try TrainableQuantization(
        try network.quantized(try network.plan(Self.scheme(bits))), registry: .standard)
      #expect(trainable.sparseWeights.isEmpty, "\(bits)")
    }
    var pruned = network.graph
    let layers = pruned.nodes.filter { $0.opType == "Conv" }
    let name = try #require(layers.dropFirst(3).first).inputs[1]
    var weights = try #require(pruned[constant: name])
    let median = weights.floats.map { abs($0) }.sorted()[weights.count / 2]
    weights.withUnsafeMutableElements(as: Float.self) { values in
      for index in values.indices where abs(values[index]) < median { values[index] = 0 }
    }
    pruned[constant: name] = weights
    let sparse = TinyNetwork(pruned)
    for bits in [8, 5] {
      let trainable = try TrainableQuantization(
        try sparse.quantized(try sparse.plan(Self.scheme(bits))), registry: .standard)
      #expect(trainable.sparseWeights.count == 1, "\(bits): \(trainable.sparseWeights)")
    }
  }

  @Test func othersCannotBeTrained() throws {
    let network = try TinyNetwork("yolov8n")
    #expect(throws: QuantizationError.self) {
      try TrainableQuantization(network.graph, registry: .standard)
    }
    let operators = OperatorForm(try network.quantized(try network.plan()), registry: .standard)
      .graph
    #expect(throws: QuantizationError.self) {
      try TrainableQuantization(operators, registry: .standard)
    }
    #expect(!network.graph.isQuantized(.standard))
  }
}
