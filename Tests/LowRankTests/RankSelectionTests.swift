import Foundation
import LowRank
import Tensors
import TestSupport
import Testing

@Suite struct RankSelectionTests {
  private func gaussian(_ count: Int, _ random: inout SplitMix64) -> [Double] {
    (0..<count).map { _ in
      let radius = (-2 * log(Double.random(in: 1e-9..<1, using: &random))).squareRoot()
      return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }
  }

  /// A signal of known rank under noise.
  private func values(rank: Int, noise: Double, rows: Int, columns: Int) throws -> [Double] {
    var random = SplitMix64(seed: 6)
    let (a, b) = (gaussian(rows * rank, &random), gaussian(rank * columns, &random))
    let dirt = gaussian(rows * columns, &random)
    let matrix = (0..<rows * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      let signal = (0..<rank).reduce(0.0) { $0 + a[row * rank + $1] * b[$1 * columns + column] }
      return Float(signal + noise * dirt[place])
    }
    return try SingularFactors(matrix, rows: rows, columns: columns).values
  }

  @Test(arguments: [(5, 40, 60), (5, 60, 40), (12, 64, 576)])
  func variationalBayesFindsTheSignalUnderTheNoise(rank: Int, rows: Int, columns: Int) throws {
    let found = try values(rank: rank, noise: 0.5, rows: rows, columns: columns)
    #expect(VariationalBayesRank.rank(found, rows: rows, columns: columns) == rank)
  }

  @Test func noiseAloneHasRankZero() throws {
    let found = try values(rank: 0, noise: 1, rows: 50, columns: 80)
    #expect(VariationalBayesRank.rank(found, rows: 50, columns: 80) == 0)
    #expect(VariationalBayesRank.rank([0, 0], rows: 2, columns: 9) == 0)
  }

  private func layer() throws -> (FactorizableLayer, any Factorization) {
    let one = RandomLayer.convolution(seed: 5, kernel: [3, 3])
    let layer = try #require(try one.layer())
    return (layer, try LowRankMethod.channelSVD.factorization(layer, FactorizationContext()))
  }

  @Test func rulesChooseWhatTheySay() throws {
    let (layer, factorization) = try layer()
    let energy = try #require(RankRule("energy=0.8")).choose(layer, factorization)
    let bound = 0.2.squareRoot()
    #expect(try factorization.reconstructionError(energy) <= bound + 1e-6)
    if energy[0] > 1 { #expect(try factorization.reconstructionError([energy[0] - 1]) > bound) }
    let ratio = try #require(RankRule("ratio=0.5")).choose(layer, factorization)
    #expect(factorization.stages(ratio).parameters * 2 <= layer.parameters)
    #expect(factorization.stages([ratio[0] + 1]).parameters * 2 > layer.parameters)
    #expect(try #require(RankRule("2")).choose(layer, factorization) == [2])
    #expect(
      try #require(RankRule("9999")).choose(layer, factorization)
        == factorization.ranks.last)
    for text in ["", "0", "-1", "energy=0", "energy=1.5", "ratio=x", "best"] {
      #expect(RankRule(text) == nil)
    }
  }

  @Test func theBudgetIsKeptAndSharedOutAsExhaustiveSearchDoes() {
    var random = SplitMix64(seed: 12)
    for _ in 0..<20 {
      let layers = (0..<4).map { _ -> [RankBudget.Candidate] in
        let scale = Double.random(in: 1...9, using: &random)
        return [.init(rank: nil, cost: 10 * scale, loss: 0)]
          + (1...4).map {
            .init(
              rank: [$0], cost: Double(2 * $0) * scale,
              loss: Double.random(in: 0.5...1.5, using: &random) / Double($0))
          }
      }
      let whole = layers.reduce(0) { $0 + $1[0].cost }
      let budget = 0.6 * whole
      let (choices, isMet) = RankBudget.choose(layers, budget: budget)
      #expect(isMet && choices.reduce(0) { $0 + $1.cost } <= budget)
      var best = Double.infinity
      for code in 0..<625 {
        let all = (0..<4).map { layers[$0][code / [1, 5, 25, 125][$0] % 5] }
        guard all.reduce(0, { $0 + $1.cost }) <= budget else { continue }
        best = min(best, all.reduce(0) { $0 + $1.loss })
      }
      #expect(choices.reduce(0) { $0 + $1.loss } <= best * 1.35 + 1e-9)
    }
  }

  @Test func budgetsThatCannotBeMetAndThoseThatAskForNothing() {
    let layer: [RankBudget.Candidate] = [
      .init(rank: nil, cost: 10, loss: 0), .init(rank: [1], cost: 4, loss: 1),
    ]
    let (least, isMet) = RankBudget.choose([layer, layer], budget: 7)
    #expect(!isMet && least.map(\.cost) == [4, 4])
    let (whole, isWhole) = RankBudget.choose([layer, layer], budget: 20)
    #expect(isWhole && whole.map(\.cost) == [10, 10])
  }
}
