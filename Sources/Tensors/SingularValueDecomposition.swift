import COpenBLAS

/// The thin singular value decomposition of a dense matrix, `A = U diag(s) Vᵀ`.
///
/// Reference: LAPACK's `sgesdd` (Gu and Eisenstat, *A Divide-and-Conquer Algorithm for the Bidiagonal SVD*, SIAM J.
/// Matrix Anal. Appl. 16, 1995).
public struct SingularValueDecomposition: Sendable {
  /// `U`, `[rows, count]`, row-major; its columns are orthonormal.
  public let left: [Float]
  /// The singular values, largest first.
  public let values: [Float]
  /// `Vᵀ`, `[count, columns]`, row-major; its rows are orthonormal.
  public let right: [Float]

  /// Decomposes a row-major matrix `[rows, columns]`; there are `min(rows, columns)` singular values.
  ///
  /// - Precondition: both extents are positive and `matrix` has `rows · columns` elements.
  /// - Throws: ``LinearAlgebraError`` when an element is not finite or the iteration does not converge.
  public init(_ matrix: [Float], rows: Int, columns: Int) throws {
    precondition(rows > 0 && columns > 0 && matrix.count == rows * columns)
    guard matrix.allSatisfy(\.isFinite) else { throw LinearAlgebraError.notFinite }
    let count = min(rows, columns)
    // Row-major A is Aᵀ in LAPACK's order, whose left factor is then V and whose right one Uᵀ.
    var (m, n, k, info) = (Int32(columns), Int32(rows), Int32(count), Int32(0))
    var source = matrix
    var values = [Float](repeating: 0, count: count)
    var right = [Float](repeating: 0, count: columns * count)
    var left = [Float](repeating: 0, count: count * rows)
    var integers = [Int32](repeating: 0, count: 8 * count)
    var (size, wanted) = (Int32(-1), Float(0))
    sgesdd_(
      "S", &m, &n, &source, &m, &values, &right, &m, &left, &k, &wanted, &size, &integers, &info)
    size = Int32(wanted.nextUp.rounded(.up))
    var work = [Float](repeating: 0, count: Int(size))
    sgesdd_(
      "S", &m, &n, &source, &m, &values, &right, &m, &left, &k, &work, &size, &integers, &info)
    guard info == 0 else { throw LinearAlgebraError.noConvergence }
    (self.left, self.values, self.right) = (left, values, right)
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
    case .noConvergence: "the singular value decomposition does not converge"
    }
  }
}
