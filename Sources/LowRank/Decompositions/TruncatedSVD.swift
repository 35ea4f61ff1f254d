import Tensors

/// The best approximation of a weight matrix by two thin factors, `W ≈ A B`.
///
/// `A = U √S` `[O, r]` and `B = √S Vᵀ` `[r, I]` of the `r` largest singular values: the scale is shared, so that neither
/// factor's values dwarf the other's. A convolution of kernel 1 or a matrix product becomes two.
///
/// Reference: Eckart and Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1, 1936;
/// Denton et al., *Exploiting Linear Structure Within Convolutional Networks*, NIPS 2014, arXiv:1404.0736, who keep `S`
/// in one factor.
public struct TruncatedSVD: Sendable {
  /// `[O, r]`.
  public let first: Tensor
  /// `[r, I]`.
  public let second: Tensor
  /// `‖W − A B‖ / ‖W‖` in the Frobenius norm; 0 for a matrix of zeros.
  public let reconstructionError: Double

  /// Factorises `[O, I]` float32 weights.
  ///
  /// - Precondition: `weights` is a float32 matrix without empty axes.
  /// - Throws: ``DecompositionError/rank(_:of:)``, `LinearAlgebraError`.
  public init(_ weights: Tensor, rank: Int) throws {
    let (rows, columns) = (weights.shape[0], weights.shape[1])
    guard (1...min(rows, columns)).contains(rank) else {
      throw DecompositionError.rank(rank, of: [rows, columns])
    }
    let whole = try SingularValueDecomposition(weights.floats, rows: rows, columns: columns)
    let roots = whole.values.prefix(rank).map { $0.squareRoot() }
    let count = whole.values.count
    first = Tensor(
      (0..<rows).flatMap { row in (0..<rank).map { whole.left[row * count + $0] * roots[$0] } },
      shape: [rows, rank])
    second = Tensor(
      (0..<rank).flatMap { k in (0..<columns).map { whole.right[k * columns + $0] * roots[k] } },
      shape: [rank, columns])
    let energies = whole.values.map { Double($0) * Double($0) }
    let total = energies.reduce(0, +)
    reconstructionError =
      total == 0 ? 0 : (energies.dropFirst(rank).reduce(0, +) / total).squareRoot()
  }
}

/// Why weights cannot be factorised.
public enum DecompositionError: Error, Equatable, CustomStringConvertible {
  /// A rank that a matrix of the shape does not have.
  case rank(Int, of: [Int])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .rank(let rank, let shape):
      "a matrix of shape \(shape) has no factors of rank \(rank); its ranks are 1 to "
        + "\(shape.min() ?? 0)"
    }
  }
}
