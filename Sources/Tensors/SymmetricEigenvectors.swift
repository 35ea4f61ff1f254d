import COpenBLAS

/// The eigenvalues and eigenvectors of a symmetric matrix, `A = Σₖ λₖ vₖ vₖᵀ`.
///
/// Reference: LAPACK's `dsyevd` (Gu and Eisenstat, *A Divide-and-Conquer Algorithm for the
/// Symmetric Tridiagonal Eigenproblem*, SIAM J. Matrix Anal. Appl. 16, 1995).
public struct SymmetricEigenvectors: Sendable {
  /// Rows of the matrix.
  public let order: Int
  /// The eigenvalues, largest first.
  public let values: [Double]
  /// The eigenvectors in the order of the values, one in each row, `[order, order]`.
  ///
  /// They are orthonormal.
  public let vectors: [Double]

  /// Decomposes a row-major matrix `[order, order]`.
  ///
  /// Only the lower triangle is read.
  ///
  /// - Throws: ``LinearAlgebraError`` when an element is not finite or the iteration does not
  ///   converge.
  public init(_ matrix: [Double], order: Int) throws {
    precondition(order > 0 && matrix.count == order * order)
    guard matrix.allSatisfy(\.isFinite) else { throw LinearAlgebraError.notFinite }
    _ = MatrixProduct.isSingleThreaded
    var (vectors, n, info) = (matrix, Int32(order), Int32(0))
    var values = [Double](repeating: 0, count: order)
    var (size, integerSize) = (Int32(-1), Int32(-1))
    var (wanted, wantedIntegers) = (0.0, Int32(0))
    // Row-major lower is column-major upper.
    dsyevd_(
      "V", "U", &n, &vectors, &n, &values, &wanted, &size, &wantedIntegers, &integerSize, &info)
    (size, integerSize) = (Int32(wanted.rounded(.up)), wantedIntegers)
    var work = [Double](repeating: 0, count: Int(size))
    var integers = [Int32](repeating: 0, count: Int(integerSize))
    dsyevd_("V", "U", &n, &vectors, &n, &values, &work, &size, &integers, &integerSize, &info)
    guard info == 0 else { throw LinearAlgebraError.noConvergence }
    self.order = order
    self.values = values.reversed()
    // A column of LAPACK's is a row here; the largest comes first.
    self.vectors = (0..<order).flatMap { row in
      vectors[(order - 1 - row) * order..<(order - row) * order]
    }
  }
}

/// Why a decomposition failed.
public enum LinearAlgebraError: Error, Equatable, CustomStringConvertible {
  /// An element is NaN or infinite.
  case notFinite
  /// The iteration did not converge.
  case noConvergence

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .notFinite: "the matrix holds a number that is not finite"
    case .noConvergence: "the eigenvalue iteration does not converge"
    }
  }
}
