import COpenBLAS

/// The factorisation `A = Uᵀ U` of a symmetric positive definite matrix, for solving `A X = B`.
public struct CholeskyFactorization: Sendable {
  private let factor: [Double]
  private let order: Int

  /// Factorises a row-major matrix `[order, order]`.
  ///
  /// Only the lower triangle is read.
  ///
  /// - Returns: `nil` when the matrix is not positive definite in float64.
  public init?(_ matrix: [Double], order: Int) {
    precondition(matrix.count == order * order)
    var (factor, n, info) = (matrix, Int32(order), Int32(0))
    guard order > 0 else { return nil }
    // Row-major lower is column-major upper.
    dpotrf_("U", &n, &factor, &n, &info)
    guard info == 0 else { return nil }
    (self.factor, self.order) = (factor, order)
  }

  /// Solves for several right-hand sides.
  ///
  /// - Parameter right: `[count, order]`, row-major: one right-hand side a row.
  /// - Returns: The solutions in the same form.
  public func solve(_ right: [Double], count: Int) -> [Double] {
    precondition(right.count == count * order)
    var (solution, n, columns, info) = (right, Int32(order), Int32(count), Int32(0))
    guard count > 0 else { return [] }
    dpotrs_("U", &n, &columns, factor, &n, &solution, &n, &info)
    return solution
  }

  /// `A⁻¹`, `[order, order]`.
  public var inverse: [Double] {
    var (result, n, info) = (factor, Int32(order), Int32(0))
    dpotri_("U", &n, &result, &n, &info)
    for row in 0..<order {
      // What LAPACK calls the upper triangle is the lower one of a row-major matrix.
      for column in 0..<row { result[column * order + row] = result[row * order + column] }
    }
    return result
  }

  /// The smallest over the largest diagonal element of the factor, squared: a rough reciprocal of
  /// the condition number.
  public var reciprocalCondition: Double {
    let diagonal = (0..<order).map { factor[$0 * order + $0] }
    let ratio = (diagonal.min() ?? 0) / (diagonal.max() ?? 1)
    return ratio * ratio
  }
}
