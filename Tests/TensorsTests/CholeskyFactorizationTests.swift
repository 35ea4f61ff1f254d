import Tensors
import TestSupport
import Testing

@Suite struct CholeskyFactorizationTests {
  @Test(arguments: [1, 2, 7, 40]) func solutionsSolve(order: Int) throws {
    var random = SplitMix64(seed: UInt64(order))
    let root = (0..<order * order).map { _ in Double.random(in: -1...1, using: &random) }
    var matrix = [Double](repeating: 0, count: order * order)
    for i in 0..<order {
      for j in 0..<order {
        for k in 0..<order { matrix[i * order + j] += root[i * order + k] * root[j * order + k] }
      }
      matrix[i * order + i] += 0.5
    }
    let right = (0..<3 * order).map { _ in Double.random(in: -1...1, using: &random) }
    let factor = try #require(CholeskyFactorization(matrix, order: order))
    let solution = factor.solve(right, count: 3)
    for row in 0..<3 {
      for i in 0..<order {
        let product = (0..<order).reduce(0.0) {
          $0 + matrix[i * order + $1] * solution[row * order + $1]
        }
        #expect((product - right[row * order + i]).magnitude < 1e-9)
      }
    }
    #expect(factor.reciprocalCondition > 0 && factor.reciprocalCondition <= 1)
  }

  @Test func whatIsNotPositiveDefiniteIsRefused() {
    #expect(CholeskyFactorization([1, 2, 2, 1], order: 2) == nil)
    #expect(CholeskyFactorization([0], order: 1) == nil)
    #expect(CholeskyFactorization([], order: 0) == nil)
  }
}
