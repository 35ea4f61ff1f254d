import Tensors
import TestSupport
import Testing

@Suite struct SingularFactorsTests {
  private func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &random) }
  }

  /// `[rows, depth] · [depth, columns]` in float64.
  private func product(_ a: [Float], _ b: [Float], _ rows: Int, _ columns: Int) -> [Float] {
    let depth = a.count / rows
    return (0..<rows * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      return Float(
        (0..<depth).reduce(0.0) {
          $0 + Double(a[row * depth + $1]) * Double(b[$1 * columns + column])
        })
    }
  }

  @Test(arguments: [(5, 9), (9, 5), (1, 4), (4, 1), (16, 16)])
  func theFactorsGiveTheMatrixBack(rows: Int, columns: Int) throws {
    let matrix = matrix(rows, columns, seed: 7)
    let factors = try SingularFactors(matrix, rows: rows, columns: columns)
    #expect(
      normalizedMaxError(product(factors.left, factors.right, rows, columns), matrix)
        < Tolerance.fastMath.bound)
    let balanced = factors.balanced(rank: factors.count)
    #expect(
      normalizedMaxError(product(balanced.left, balanced.right, rows, columns), matrix)
        < Tolerance.fastMath.bound)
    #expect(factors.error(rank: factors.count) == 0)
  }

  @Test func theErrorIsWhatTheFactorsLeaveAndFallsWithTheRank() throws {
    let matrix = matrix(12, 20, seed: 3)
    let factors = try SingularFactors(matrix, rows: 12, columns: 20)
    let norm = matrix.reduce(0) { $0 + Double($1) * Double($1) }
    var last = Double.infinity
    for rank in 1...12 {
      let (left, right) = factors.balanced(rank: rank)
      let rest = zip(product(left, right, 12, 20), matrix).reduce(0) {
        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }
      #expect(abs((rest / norm).squareRoot() - factors.error(rank: rank)) < 1e-5)
      #expect(factors.error(rank: rank) < last)
      last = factors.error(rank: rank)
    }
  }

  /// A matrix of rank 2 whose later singular values are rounding: its factors still give it back.
  @Test func singularMatricesGiveNoNumbersThatAreNone() throws {
    let (a, b) = (matrix(10, 2, seed: 1), matrix(2, 14, seed: 2))
    let low = product(a, b, 10, 14)
    let factors = try SingularFactors(low, rows: 10, columns: 14)
    #expect(factors.error(rank: 2) < 1e-6)
    for rank in [2, 10] {
      let (left, right) = factors.balanced(rank: rank)
      #expect(normalizedMaxError(product(left, right, 10, 14), low) < Tolerance.fastMath.bound)
    }
    let zeros = try SingularFactors([Float](repeating: 0, count: 12), rows: 3, columns: 4)
    let empty = zeros.balanced(rank: 3)
    #expect(product(empty.left, empty.right, 3, 4).allSatisfy { $0 == 0 })
  }

  @Test func whatIsNoNumberIsRefused() {
    #expect(throws: LinearAlgebraError.notFinite) {
      try SingularFactors([1, .nan], rows: 1, columns: 2)
    }
    #expect(throws: LinearAlgebraError.notFinite) {
      try SymmetricEigenvectors([.infinity], order: 1)
    }
  }

  @Test func eigenvectorsDiagonalizeASymmetricMatrix() throws {
    let root = matrix(9, 9, seed: 5).map(Double.init)
    var gram = [Double](repeating: 0, count: 81)
    for i in 0..<9 {
      for j in 0..<9 {
        gram[i * 9 + j] = (0..<9).reduce(0) { $0 + root[i * 9 + $1] * root[j * 9 + $1] }
      }
    }
    let eigen = try SymmetricEigenvectors(gram, order: 9)
    #expect(zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 >= $1 })
    for k in 0..<9 {
      let vector = Array(eigen.vectors[k * 9..<(k + 1) * 9])
      let image = (0..<9).map { row in
        (0..<9).reduce(0) { $0 + gram[row * 9 + $1] * vector[$1] }
      }
      #expect(normalizedMaxError(image, vector.map { $0 * eigen.values[k] }) < 1e-9)
    }
  }
}
