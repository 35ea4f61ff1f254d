import Execution
import GraphIR
import Compression
import LowRank
import Operators
import Tensors
import TestSupport
import Testing

/// What a factorised network must compute, found by multiplying its stages out.
@Suite struct FactorizedPredictionTests {
  private func factorized(
    _ one: RandomLayer, _ name: String
  ) throws -> (FactorizedNetwork, [(layer: FactorizableLayer, factors: LayerFactors)])? {
    let method = try #require(LowRankMethod.named(name))
    let layer = try #require(try one.layer(), "\(one)")
    guard method.refusal(layer) == nil else { return nil }
    let factorization = try method.factorization(layer, FactorizationContext(iterations: 10))
    let ranks = factorization.ranks
    let factors = try factorization.factors(ranks[ranks.count / 2])
    return (
      FactorizedNetwork(one.graph, replacing: [(layer, factors)], registry: .standard),
      [(layer, factors)]
    )
  }

  private func layers() -> [RandomLayer] {
    (0..<6).map { RandomLayer.convolution(seed: $0) }
      + (20..<24).map { RandomLayer.convolution(seed: $0, kernel: [1, 1]) }
      + (0..<3).map { RandomLayer.product(seed: UInt64($0) + 40, $0) }
  }

  @Test(arguments: LowRankMethod.all.map(\.name), [false, true])
  func chainsComputeIt(name: String, refits: Bool) throws {
    for one in layers() {
      guard let made = try factorized(one, name) else { continue }
      var network = made.0
      let layers = made.1
      if refits {
        let weight = try #require(network.chains[0].weights.last)
        let tensor = try #require(network.graph[constant: weight])
        let doubled = Tensor(tensor.floats.map { 2 * $0 }, shape: tensor.shape)
        let constants = (0..<layers[0].layer.outputs).map { Float($0) - 1.5 }
        network.refit(0, weights: doubled, constants: constants)
      }
      let plain = network.multipliedOut(into: one.graph, layers)
      try plain.verify()
      #expect(
        normalizedMaxError(try one.output(of: network.graph), try one.output(of: plain))
          < Tolerance.network.bound, "\(name), \(one)")
    }
  }

  /// Every name that the surgery makes, given to something of the network.
  @Test(arguments: LowRankMethod.all.map(\.name)) func namesNeverClash(method: String) throws {
    for one in layers() {
      guard let (network, _) = try factorized(one, method) else { continue }
      let expected = try one.output(of: network.graph)
      let made = network.graph.allNames.subtracting(one.graph.allNames).sorted()
      for name in made {
        for old in ["layer", "bias"] where one.graph.allNames.contains(old) {
          var renamed = one
          renamed.graph = one.graph.renaming(old, to: name)
          let (own, _) = try #require(try factorized(renamed, method))
          try own.graph.verify()
          #expect(try one.output(of: own.graph) == expected, "\(old) as \(name), \(one)")
        }
      }
    }
  }

  @Test(arguments: [[], [1], [1, 1], [1, 5], [5]] as [[Int]])
  func biasesOfEveryShape(shape: [Int]) throws {
    var random = SplitMix64(seed: 9)
    var one = RandomLayer.product(seed: 41, 1)
    let outputs = try #require(one.graph[constant: RandomLayer.weight]).shape[1]
    one.graph[constant: "bias"] = RandomLayer.noise(
      shape.map { $0 == 5 ? outputs : $0 }, &random)
    let (network, layers) = try #require(try factorized(one, "svd"))
    let plain = network.multipliedOut(into: one.graph, layers)
    #expect(
      normalizedMaxError(try one.output(of: network.graph), try one.output(of: plain))
        < Tolerance.network.bound)
  }

  /// Refitting would put constants in the place of what is computed or differs between rows.
  @Test(arguments: ["computed", "rows", "matrix"]) func otherBiasesAreLeftAlone(kind: String) throws
  {
    var one = RandomLayer.product(seed: 41, 1)
    var random = SplitMix64(seed: 9)
    let shape = try #require(one.graph[constant: RandomLayer.weight]).shape
    switch kind {
    case "rows": one.graph[constant: "bias"] = RandomLayer.noise([3, 1], &random)
    case "matrix": one.graph[constant: "bias"] = RandomLayer.noise([3, shape[1]], &random)
    default:
      one.graph[constant: "depth"] = Tensor([-1] as [Int64])
      one.graph.nodes.insert(
        Node(
          "ReduceMean", inputs: ["x"], outputs: ["bias.computed"],
          attributes: ["axes": .ints([1]), "keepdims": .int(1)]), at: 0)
      one.graph.nodes[1].inputs[2] = "bias.computed"
    }
    #expect(try one.layer() == nil)
  }
}
