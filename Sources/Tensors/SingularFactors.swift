import COpenBLAS

/// The singular value decomposition of a matrix, with the singular values multiplied into the
/// longer factor: `A = L R`.
///
/// The singular vectors of the shorter side are the eigenvectors of `A Aᵀ` or `Aᵀ A` in float64.
/// The longer factor is `A` projected on them. That is all that low-rank approximation needs: the
/// first `r` columns of `L` and rows of `R` are the best approximation of rank `r`. With all of
/// them the product is `A` again, however small its singular values are.
///
/// Squaring `A` in float64 leaves singular values exact to about 1e-8 of the largest, below the
/// rounding of float32.
public struct SingularFactors: Sendable {
  /// Rows of `A`.
  public let rows: Int
  /// Columns of `A`.
  public let columns: Int
  /// `min(rows, columns)`.
  public let count: Int
  /// The singular values, largest first.
  public let values: [Double]
  /// `L`, `[rows, count]`; its columns are orthonormal when there are no more rows than columns.
  public let left: [Float]
  /// `R`, `[count, columns]`; its rows are orthonormal when there are more rows than columns.
  public let right: [Float]

  /// Decomposes a row-major matrix `[rows, columns]`.
  ///
  /// - Precondition: both extents are positive and `matrix` has `rows · columns` elements.
  /// - Throws: ``LinearAlgebraError`` when an element is not finite or the iteration does not
  ///   converge.
  public init(_ matrix: [Float], rows: Int, columns: Int) throws {
    precondition(rows > 0 && columns > 0 && matrix.count == rows * columns)
    guard matrix.allSatisfy(\.isFinite) else { throw LinearAlgebraError.notFinite }
    _ = MatrixProduct.isSingleThreaded
    let (count, isWide) = (min(rows, columns), rows <= columns)
    let wide = matrix.map(Double.init)
    var gram = [Double](repeating: 0, count: count * count)
    cblas_dsyrk(
      CblasRowMajor, CblasLower, isWide ? CblasNoTrans : CblasTrans, Int32(count),
      Int32(max(rows, columns)), 1, wide, Int32(columns), 0, &gram, Int32(count))
    let eigen = try SymmetricEigenvectors(gram, order: count)
    let vectors = eigen.vectors.map(Float.init)
    var projected = [Float](repeating: 0, count: rows * columns)
    let pool = ThreadPool(threads: 1)
    if isWide {
      MatrixProduct(rows: count, columns: columns, depth: rows)(
        vectors, matrix, into: &projected, pool: pool)
      left = (0..<rows).flatMap { row in (0..<count).map { vectors[$0 * count + row] } }
      right = projected
    } else {
      MatrixProduct(rows: rows, columns: count, depth: columns, transposesRight: true)(
        matrix, vectors, into: &projected, pool: pool)
      (left, right) = (projected, vectors)
    }
    (self.rows, self.columns, self.count) = (rows, columns, count)
    values = eigen.values.map { max($0, 0).squareRoot() }
  }

  /// The factors of the best approximation of rank `rank`, `[rows, rank]` and `[rank, columns]`.
  ///
  /// Each factor is multiplied by the square roots of the singular values, so that both have the
  /// same norm.
  public func balanced(rank: Int) -> (left: [Float], right: [Float]) {
    let isWide = rows <= columns
    let roots = values.prefix(rank).map { Float(max($0, 1e-30).squareRoot()) }
    return (
      (0..<rows).flatMap { row in
        (0..<rank).map { left[row * count + $0] * (isWide ? roots[$0] : 1 / roots[$0]) }
      },
      (0..<rank).flatMap { k -> [Float] in
        let factor = isWide ? 1 / roots[k] : roots[k]
        return (0..<columns).map { right[k * columns + $0] * factor }
      }
    )
  }

  /// `‖A − Aᵣ‖ / ‖A‖` in the Frobenius norm; 0 for a matrix of zeros and at full rank.
  public func error(rank: Int) -> Double {
    let total = values.reduce(0) { $0 + $1 * $1 }
    return total == 0 || rank >= count
      ? 0 : (values.dropFirst(rank).reduce(0) { $0 + $1 * $1 } / total).squareRoot()
  }
}
