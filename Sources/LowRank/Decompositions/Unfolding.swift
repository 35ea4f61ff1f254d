import Tensors

/// Matrix layouts of a filter bank.
enum Unfolding {
  /// `[a, b, c]` as `[b, a, c]`.
  static func swapped(_ x: [Float], _ a: Int, _ b: Int, _ c: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(x.count)
    for j in 0..<b {
      for i in 0..<a {
        let start = (i * b + j) * c
        result += x[start..<start + c]
      }
    }
    return result
  }

  /// The left singular vectors of a matrix `[rows, columns]`, with squared singular values.
  static func modes(_ matrix: [Float], rows: Int, columns: Int) throws -> SymmetricEigenvectors {
    let wide = matrix.map(Double.init)
    var gram = [Double](repeating: 0, count: rows * rows)
    MatrixProduct(rows: rows, columns: rows, depth: columns, transposesRight: true)(
      wide, wide, into: &gram, pool: ThreadPool(threads: 1))
    return try SymmetricEigenvectors(gram, order: rows)
  }
}
