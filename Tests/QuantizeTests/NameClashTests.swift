import Execution
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// Networks that bear the very names which passes would make: what they compute must not change.
@Suite struct NameClashTests {
  /// The schemes whose names differ: fewer bits clip.
  static let schemes = [8, 6].map { bits in
    var scheme = QuantizationScheme()
    (scheme.weightBits, scheme.activationBits) = (bits, bits)
    return scheme
  }

  private func quantized(_ graph: Graph, _ scheme: QuantizationScheme) throws -> Graph {
    var (plan, sites) = try SmallNetwork.plan(graph, scheme, include: ["y", "sigmoid"])
    plan.biasShifts = Dictionary(
      uniqueKeysWithValues: graph.nodes.filter { $0.opType == "Conv" }.map {
        ($0.outputs[0], [0.25, -0.5, 0.125, 0])
      })
    return try QuantizedNetwork(graph, plan: plan, sites: sites).graph
  }

  /// Each name that a pass makes, given to something of the network it works on.
  private func clashes(
    _ graph: Graph, _ made: Graph, seed: UInt64
  ) -> [(name: String, graph: Graph)] {
    var random = SplitMix64(seed: seed)
    let fixed = Set(graph.inputs.map(\.name) + graph.outputs.map(\.name))
    let candidates = graph.allNames.subtracting(fixed).sorted()
    return made.allNames.subtracting(graph.allNames).sorted().map { name in
      let old = candidates[Int.random(in: candidates.indices, using: &random)]
      return ("\(old) as \(name)", graph.renaming(old, to: name))
    }
  }

  @Test(arguments: schemes) func quantisedNetworksComputeTheSame(
    scheme: QuantizationScheme
  ) throws {
    let graph = SmallNetwork.graph()
    let quantized = try quantized(graph, scheme)
    let expected = try SmallNetwork.run(quantized)
    let form = try SmallNetwork.run(OperatorForm(quantized, registry: .standard).graph)
    let trained = try SmallNetwork.run(TrainableQuantization(quantized, registry: .standard).graph)
    var clashes = clashes(graph, quantized, seed: 1)
    #expect(clashes.count > 40)
    // What 8 bits make as well has been tried.
    if scheme.activationBits < 8 {
      clashes.removeAll { clash in
        !["_clipped", "_highest", "_lowest"].contains(where: clash.name.contains)
      }
    }
    for (what, renamed) in clashes {
      let own = try self.quantized(renamed, scheme)
      try own.verify()
      #expect(try SmallNetwork.run(own) == expected, "\(what)")
      #expect(try SmallNetwork.run(OperatorForm(own, registry: .standard).graph) == form, "\(what)")
      #expect(
        try SmallNetwork.run(TrainableQuantization(own, registry: .standard).graph) == trained,
        "\(what)")
    }
  }

  @Test func integerArithmeticAndTrainingComputeTheSame() throws {
    let quantized = try quantized(SmallNetwork.graph(), .init())
    let expected = try SmallNetwork.run(quantized)
    let session = try Session(
      quantized, registry: .standard, options: SessionOptions(passes: StandardRewrites.inference))
    for (what, renamed) in clashes(quantized, session.graph, seed: 2) {
      #expect(try SmallNetwork.run(renamed) == expected, "\(what)")
    }
    let trainable = try TrainableQuantization(quantized, registry: .standard)
    let trained = try SmallNetwork.run(trainable.graph)
    let stored = try SmallNetwork.run(trainable.quantized(trainable.graph))
    for (what, renamed) in clashes(quantized, trainable.graph, seed: 3) {
      let own = try TrainableQuantization(renamed, registry: .standard)
      #expect(try SmallNetwork.run(own.graph) == trained, "\(what)")
      #expect(try SmallNetwork.run(own.quantized(own.graph)) == stored, "\(what)")
    }
  }

  @Test func correctionsAreTheSame() throws {
    let graph = SmallNetwork.graph()
    func shifts(_ graph: Graph) throws -> [[String: [Float]]] {
      let (plan, sites) = try SmallNetwork.plan(graph)
      let inputs = TensorSet(Array(SmallNetwork.images.prefix(2)))
      return [
        try LocalBiasCorrection.shifts(
          graph, plan: plan, sites: sites, inputs: inputs, engine: inference()),
        try BiasCorrection(
          graph, plan: plan, sites: sites, inputs: inputs, engine: inference()
        ).shifts,
      ]
    }
    let expected = try shifts(graph)
    for name in [
      "feat_by_itself", "deep_by_itself", "feat_corrected_bias", "deep_corrected_bias",
      "feat_unrounded", "deep_unrounded",
    ] {
      for old in ["slope", "a.b", "shift", "prelu"] {
        #expect(try shifts(graph.renaming(old, to: name)) == expected, "\(old) as \(name)")
      }
    }
  }

  @Test func gradientsAreTheSame() throws {
    var graph = SmallNetwork.graph()
    graph.outputs.removeAll { $0.name == "places" }
    func gradients(_ graph: Graph, _ weight: String) throws -> (Graph, Tensor?) {
      let gradient = try Gradient(
        of: ["z"], withRespectTo: [weight], in: graph, registry: .training, recomputes: true)
      let session = try Session(gradient.graph, registry: .training)
      var feed = SmallNetwork.images[0].merging(gradient.variables.map { ($0, $1) }) { $1 }
      for seed in gradient.seeds.values {
        feed[seed] = Tensor((0..<6).map { Float($0) - 2 }, shape: [1, 6])
      }
      let outputs = try session.run(feed)
      return (gradient.graph, gradient.gradients[weight].flatMap { outputs[$0] })
    }
    let (made, expected) = try gradients(graph, "a.w")
    #expect(expected != nil)
    for (what, renamed) in clashes(graph, made, seed: 4) {
      let weight = try #require(renamed.nodes.first { $0.opType == "Conv" }).inputs[1]
      #expect(try gradients(renamed, weight).1 == expected, "\(what)")
    }
  }
}
