import Prune
import TestSupport
import Testing

@Suite struct SparsityLadderTests {
  private func ladders(_ random: inout SplitMix64, _ layers: Int) -> [SparsityLadder] {
    (0..<layers).map { _ in
      let count = Int.random(in: 4...12, using: &random)
      let rungs = (1...count).map {
        SparsityLadder.Rung(zeros: $0, damage: Double.random(in: 0...3, using: &random))
      }
      return SparsityLadder(count: count, rungs: rungs)
    }
  }

  /// The least damage over all ways to share zeros out.
  private func least(_ ladders: ArraySlice<SparsityLadder>, _ total: Int) -> Double {
    guard let first = ladders.first else { return total == 0 ? 0 : .infinity }
    return (0...min(first.most, total)).map {
      first.damage($0) + least(ladders.dropFirst(), total - $0)
    }.min() ?? .infinity
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func theProgrammeFindsTheLeastDamage(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let ladders = ladders(&random, 4)
    let most = ladders.reduce(0) { $0 + $1.most }
    let total = Int.random(in: 0...most, using: &random)
    let zeros = try #require(ladders.zeros(total: total, levelCount: 255))
    #expect(zeros.reduce(0, +) == total)
    let found = zip(ladders, zeros).reduce(0) { $0 + $1.0.damage($1.1) }
    #expect(abs(found - least(ladders[...], total)) < 1e-9)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func coarseStepsMeetTheTotalToo(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let ladders = (0..<6).map { _ in
      let count = Int.random(in: 500...40_000, using: &random)
      let scale = Double.random(in: 0.1...3, using: &random)
      return SparsityLadder(
        count: count,
        rungs: [0.25, 0.5, 0.75, 0.9].map {
          .init(zeros: Int($0 * Double(count)), damage: scale * $0 * $0 / (1 - $0))
        })
    }
    let total = ladders.reduce(0) { $0 + $1.count } / 2
    let zeros = try #require(ladders.zeros(total: total))
    #expect(zeros.reduce(0, +) == total)
    // No worse than the same part of every layer.
    let equal = ladders.reduce(0) { $0 + $1.damage($1.count / 2) }
    #expect(zip(ladders, zeros).reduce(0) { $0 + $1.0.damage($1.1) } <= equal * 1.01)
  }

  @Test func whatLaddersDoNotReachIsRefused() {
    let ladder = SparsityLadder(count: 10, rungs: [.init(zeros: 8, damage: 1)])
    #expect([ladder].zeros(total: 9) == nil)
    #expect([ladder].zeros(total: 8) == [8])
    #expect([SparsityLadder]().zeros(total: 0) == [])
  }

  @Test func moreZerosNeverDoLessDamage() {
    let ladder = SparsityLadder(
      count: 10, rungs: [.init(zeros: 8, damage: 1), .init(zeros: 4, damage: 2)])
    #expect(ladder.damage(8) == 2)
    #expect(ladder.damage(2) == 1)
  }
}
