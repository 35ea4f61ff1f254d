import Foundation

/// The number of singular values that exceed noise of unknown strength.
///
/// The global analytic solution of variational Bayesian matrix factorisation for a matrix L × M, L
/// ≤ M: with the noise variance σ² that minimises the free energy, a singular value γ counts when
/// `γ² > M σ² (1 + τ̲)(1 + α / τ̲)`, `α = L / M`, `τ̲ = 2.5129 √α`.
///
/// Reference: Nakajima, Sugiyama, Babacan and Tomioka, *Global Analytic Solution of Fully-observed
/// Variational Bayesian Matrix Factorization*, JMLR 14, 2013, theorem 2 and the one-dimensional
/// search of its section 3.3; τ̲'s factor is the paper's approximation. Deviation: the minimum is
/// bracketed on a logarithmic grid and refined by golden section.
public enum VariationalBayesRank {
  /// The number of singular values that count.
  ///
  /// - Parameters:
  ///   - values: All singular values, largest first.
  ///   - rows: The matrix's extents, in either order.
  public static func rank(_ values: [Double], rows: Int, columns: Int) -> Int {
    let energy = FreeEnergy(values, short: min(rows, columns), long: max(rows, columns))
    guard let variance = energy.noiseVariance() else { return 0 }
    let threshold = (energy.long * variance * energy.bound).squareRoot()
    return values.count { $0 > threshold }
  }
}

/// The free energy of the factorisation as a function of the noise variance.
private struct FreeEnergy {
  let squares: [Double]
  let short: Double
  let long: Double
  let alpha: Double
  /// `(1 + τ̲)(1 + α / τ̲)`.
  let bound: Double

  init(_ values: [Double], short: Int, long: Int) {
    squares = values.map { $0 * $0 }
    (self.short, self.long) = (Double(short), Double(long))
    alpha = self.short / self.long
    let tau = 2.5129 * alpha.squareRoot()
    bound = (1 + tau) * (1 + alpha / tau)
  }

  private func tau(_ x: Double) -> Double {
    let rest = x - (1 + alpha)
    return 0.5 * (rest + max(rest * rest - 4 * alpha, 0).squareRoot())
  }

  /// The free energy without terms that do not depend on the variance.
  private func objective(_ variance: Double) -> Double {
    squares.reduce(0) { sum, square in
      let x = max(square / (long * variance), 1e-300)
      guard x > bound else { return sum + x - log(x) }
      let tau = tau(x)
      return sum + x - tau + log((tau + 1) / x) + alpha * log(tau / alpha + 1)
    }
  }

  /// The variance of least free energy; `nil` for a matrix of zeros.
  func noiseVariance() -> Double? {
    let upper = squares.reduce(0, +) / (short * long)
    guard upper > 0 else { return nil }
    let split = min(Int((short / (1 + alpha)).rounded(.up)) - 1, squares.count - 1)
    let tail = squares.dropFirst(max(split, 0))
    let mean = tail.reduce(0, +) / Double(max(tail.count, 1)) / long
    let lower = max(squares[max(split, 0)] / (long * bound), mean, upper * 1e-12)
    guard lower < upper else { return upper }
    let steps = 200
    let grid = (0...steps).map { step in
      lower * pow(upper / lower, Double(step) / Double(steps))
    }
    let best = grid.indices.min { objective(grid[$0]) < objective(grid[$1]) } ?? 0
    var (a, b) = (grid[max(best - 1, 0)], grid[min(best + 1, steps)])
    let golden = 0.6180339887498949
    for _ in 0..<60 {
      let (c, d) = (b - golden * (b - a), a + golden * (b - a))
      if objective(c) < objective(d) { b = d } else { a = c }
    }
    return (a + b) / 2
  }
}
