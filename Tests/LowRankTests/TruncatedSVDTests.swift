import LowRank
import Tensors
import TestSupport
import Testing

@Suite struct TruncatedSVDTests {
  private func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
    var random = SplitMix64(seed: seed)
    return Tensor(
      (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &random) },
      shape: [rows, columns])
  }

  private func product(_ a: Tensor, _ b: Tensor) -> [Float] {
    let (rows, depth, columns) = (a.shape[0], a.shape[1], b.shape[1])
    let (left, right) = (a.floats, b.floats)
    return (0..<rows * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      return Float(
        (0..<depth).reduce(0.0) {
          $0 + Double(left[row * depth + $1]) * Double(right[$1 * columns + column])
        })
    }
  }

  @Test(arguments: [(5, 9), (9, 5), (1, 4), (16, 16)])
  func fullRankGivesTheWeightsBack(rows: Int, columns: Int) throws {
    let weights = matrix(rows, columns, seed: 7)
    let factors = try TruncatedSVD(weights, rank: min(rows, columns))
    let error = normalizedMaxError(product(factors.first, factors.second), weights.floats)
    #expect(error < Tolerance.fastMath.bound)
    #expect(factors.reconstructionError == 0)
  }

  @Test func theErrorIsWhatTheFactorsLeaveAndFallsWithTheRank() throws {
    let weights = matrix(12, 20, seed: 3)
    var last = Double.infinity
    for rank in 1...12 {
      let factors = try TruncatedSVD(weights, rank: rank)
      let rebuilt = product(factors.first, factors.second)
      let rest = zip(rebuilt, weights.floats).reduce(0) {
        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }
      let norm = weights.floats.reduce(0) { $0 + Double($1) * Double($1) }
      let error = (rest / norm).squareRoot()
      #expect(abs(error - factors.reconstructionError) < Tolerance.fastMath.bound)
      #expect(factors.reconstructionError < last)
      last = factors.reconstructionError
    }
  }

  @Test func aRankThatIsNotThereIsRefused() {
    let weights = matrix(3, 8, seed: 1)
    for rank in [0, 4] {
      #expect(throws: DecompositionError.rank(rank, of: [3, 8])) {
        try TruncatedSVD(weights, rank: rank)
      }
    }
    #expect(throws: LinearAlgebraError.notFinite) {
      try TruncatedSVD(Tensor([1, .nan], shape: [1, 2] as [Int]), rank: 1)
    }
  }
}
