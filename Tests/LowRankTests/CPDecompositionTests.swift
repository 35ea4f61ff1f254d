import LowRank
import Tensors
import TestSupport
import Testing

@Suite struct CPDecompositionTests {
  /// A tensor of given factors, `[extent, rank]` each.
  private func tensor(_ factors: [[Float]], _ shape: [Int], rank: Int) -> [Float] {
    (0..<shape.reduce(1, *)).map { place in
      var (rest, index) = (place, [Int]())
      for extent in shape.reversed() {
        index.insert(rest % extent, at: 0)
        rest /= extent
      }
      return (0..<rank).reduce(0) { sum, k in
        sum + (0..<4).reduce(1 as Float) { $0 * factors[$1][index[$1] * rank + k] }
      }
    }
  }

  private func random(_ shape: [Int], rank: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    let factors = shape.map { extent in
      (0..<extent * rank).map { _ in Float.random(in: -1...1, using: &random) }
    }
    return tensor(factors, shape, rank: rank)
  }

  @Test func aTensorOfLowRankIsFound() throws {
    let shape = [12, 10, 3, 3]
    let weights = random(shape, rank: 3, seed: 2)
    let found = try CPDecomposition.best(
      weights, shape: shape, rank: 3, iterations: 400, starts: 3, seed: 0)
    #expect(found.reconstructionError < 1e-3)
  }

  @Test func moreComponentsAndMoreSweepsLoseNoMore() throws {
    var random = SplitMix64(seed: 8)
    let shape = [16, 12, 3, 3]
    let weights = RandomLayer.noise(shape, &random).floats
    let errors = try [2, 8, 32].map {
      try CPDecomposition(weights, shape: shape, rank: $0, iterations: 60).reconstructionError
    }
    #expect(errors[0] > errors[1] && errors[1] > errors[2])
    let short = try CPDecomposition(weights, shape: shape, rank: 8, iterations: 3, tolerance: 0)
    #expect(short.reconstructionError >= errors[1] - 1e-6)
  }

  /// `a⊗a⊗b + a⊗b⊗a + b⊗a⊗a` has rank 3 and border rank 2: two components approach it only by
  /// growing without bound.
  @Test func componentsThatCancelAreTamedWithoutLoss() throws {
    let shape = [4, 4, 3, 1]
    func unit(_ place: Int) -> [[Float]] {
      shape.map { extent in (0..<extent).map { $0 == place ? 1 : 0 } }
    }
    let (a, b) = (unit(0), unit(1))
    let terms = [[b[0], a[1], a[2]], [a[0], b[1], a[2]], [a[0], a[1], b[2]]]
    let factors = (0..<3).map { axis in
      (0..<shape[axis]).flatMap { row in terms.map { $0[axis][row] } }
    }
    let weights = tensor(factors + [[1, 1, 1]], shape, rank: 3)
    var found = try CPDecomposition(
      weights, shape: shape, rank: 2, iterations: 2000, start: 1, tolerance: 0)
    let (wild, error) = (found.intensity, found.reconstructionError)
    #expect(wild > 3, "ALS went to intensity \(wild)")
    // A bound a little above lets the components shrink.
    try found.correct(weights, sweeps: 200, slack: 0.5)
    #expect(found.reconstructionError <= error * 1.5 + 1e-4)
    #expect(found.intensity < wild * 0.95, "\(found.intensity) after \(wild)")
  }

  @Test func whatIsNoNumberIsRefused() {
    #expect(throws: LinearAlgebraError.notFinite) {
      try CPDecomposition([.nan], shape: [1, 1, 1, 1], rank: 1, iterations: 1)
    }
  }

  @Test func aTensorOfZerosHasNoError() throws {
    let zeros = try CPDecomposition(
      [Float](repeating: 0, count: 36), shape: [2, 2, 3, 3], rank: 2, iterations: 5)
    #expect(zeros.reconstructionError == 0)
  }
}
