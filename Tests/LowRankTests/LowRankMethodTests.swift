import Execution
import GraphIR
import Compression
import LowRank
import Operators
import Tensors
import TestSupport
import Testing

/// What holds for every method, on layers of random shape, stride, dilation and padding.
@Suite struct LowRankMethodTests {
  private func layers(for method: LowRankMethod) throws -> [(RandomLayer, FactorizableLayer)] {
    var random = (0..<8).map { RandomLayer.convolution(seed: $0) }
    random += (20..<24).map { RandomLayer.convolution(seed: $0, kernel: [1, 1]) }
    random += (0..<3).map { RandomLayer.product(seed: UInt64($0) + 40, $0) }
    return try random.compactMap { one in
      let layer = try #require(try one.layer(), "\(one)")
      return method.refusal(layer) == nil ? (one, layer) : nil
    }
  }

  @Test(arguments: LowRankMethod.all.map(\.name))
  func factorsOfFullRankComputeWhatTheLayerDid(name: String) throws {
    let method = try #require(LowRankMethod.named(name))
    let layers = try layers(for: method)
    #expect(layers.count >= 3)
    for (one, layer) in layers {
      let factors = try method.factorization(layer, FactorizationContext()).exactFactors()
      let network = FactorizedNetwork(one.graph, replacing: [(layer, factors)], registry: .standard)
      try network.graph.verify()
      #expect(network.graph[constant: RandomLayer.weight] == nil)
      #expect(
        normalizedMaxError(try one.output(of: network.graph), try one.output(of: one.graph))
          < Tolerance.network.bound, "\(name), \(one)")
      #expect(layer.error(of: factors) < 1e-5)
    }
  }

  /// At lower ranks the chain must still be one convolution: that of the filters multiplied out.
  @Test(arguments: LowRankMethod.all.map(\.name))
  func theChainComputesWhatItsFiltersMultipliedOutDo(name: String) throws {
    let method = try #require(LowRankMethod.named(name))
    for (one, layer) in try layers(for: method) {
      let factorization = try method.factorization(layer, FactorizationContext(iterations: 20))
      let ranks = factorization.ranks
      for rank in [ranks[0], ranks[ranks.count / 2]] {
        let factors = try factorization.factors(rank)
        #expect(factors.stages == factorization.stages(rank))
        var plain = one.graph
        let shape = try #require(plain[constant: RandomLayer.weight]).shape
        let filters = layer.multipliedOut(factors)
        let isSwapped =
          layer.kind == .product && shape[0] == layer.inputs
          && plain.nodes[0].attributes["transB"] == nil
        plain[constant: RandomLayer.weight] =
          isSwapped
          ? Tensor(
            (0..<layer.inputs).flatMap { i in
              (0..<layer.outputs).map { filters[$0 * layer.inputs + i] }
            }, shape: shape) : Tensor(filters, shape: shape)
        let network = FactorizedNetwork(
          one.graph, replacing: [(layer, factors)], registry: .standard)
        #expect(
          normalizedMaxError(try one.output(of: network.graph), try one.output(of: plain))
            < Tolerance.network.bound, "\(name) \(rank), \(one)")
      }
    }
  }

  @Test(arguments: LowRankMethod.all.map(\.name))
  func theErrorIsThatOfTheFactorsAndFallsWithTheRank(name: String) throws {
    let method = try #require(LowRankMethod.named(name))
    for (one, layer) in try layers(for: method) where name != "cp" {
      let factorization = try method.factorization(layer, FactorizationContext())
      var last = Double.infinity
      for rank in factorization.ranks {
        let error = try factorization.reconstructionError(rank)
        #expect(error <= last + 2e-3, "\(name) \(rank), \(one)")
        last = error
        let made = layer.error(of: try factorization.factors(rank))
        // Responses weigh directions otherwise than weights; without any they are the weights' own.
        #expect(abs(made - error) < 2e-3, "\(name) \(rank): \(made) against \(error)")
      }
      #expect(last < 1e-3)
    }
  }

  @Test func countsAreThoseOfTheWrittenGraph() throws {
    for method in LowRankMethod.all {
      for (one, layer) in try layers(for: method) {
        let factorization = try method.factorization(layer, FactorizationContext(iterations: 5))
        let rank = factorization.ranks[0]
        let stages = factorization.stages(rank)
        let network = FactorizedNetwork(
          one.graph, replacing: [(layer, try factorization.factors(rank))], registry: .standard)
        let cost = try ModelCost(network.graph, registry: .standard)
        #expect(cost.macs == stages.macs(for: layer), "\(method.name), \(one)")
        let weights = network.chains[0].weights.compactMap { network.graph[constant: $0]?.count }
        #expect(weights.reduce(0, +) == stages.parameters)
      }
    }
  }

  @Test func channelsThatBelongTogetherAreFound() throws {
    // Four blocks, their rows and columns shuffled.
    var random = SplitMix64(seed: 9)
    let (outputs, inputs) = ((0..<16).shuffled(using: &random), (0..<8).shuffled(using: &random))
    var weights = [Float](repeating: 0, count: 16 * 8)
    for o in 0..<16 {
      for i in 0..<8 where o / 4 == i / 2 {
        weights[outputs[o] * 8 + inputs[i]] = Float.random(in: 0.5...1, using: &random)
      }
    }
    let layer = FactorizableLayer(
      weight: "w", kind: .convolution, uses: [], outputs: 16, inputs: 8, kernel: [1, 1],
      matrix: weights)
    let groups = try LowRankMethod.group.factorization(layer, FactorizationContext())
    #expect(try groups.reconstructionError([4]) < 1e-6)
    #expect(try groups.reconstructionError([8]) > 0.1)
    #expect(layer.error(of: try groups.factors([4])) < 1e-6)
  }

  @Test func aSeparableFilterBankIsFoundExactly() throws {
    var random = SplitMix64(seed: 4)
    let pointwise = RandomLayer.noise([6, 5], &random).floats
    let depthwise = RandomLayer.noise([5, 9], &random).floats
    let weights = (0..<6).flatMap { o in
      (0..<5).flatMap { i in (0..<9).map { pointwise[o * 5 + i] * depthwise[i * 9 + $0] } }
    }
    let layer = FactorizableLayer(
      weight: "w", kind: .convolution, uses: [], outputs: 6, inputs: 5, kernel: [3, 3],
      matrix: weights)
    let found = try LowRankMethod.depthwiseSeparable.factorization(layer, FactorizationContext())
    #expect(layer.error(of: try found.factors([1])) < 1e-5)
  }
}
