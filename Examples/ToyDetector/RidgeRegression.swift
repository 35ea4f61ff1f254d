import Tensors

/// A linear map with intercept fitted in closed form: `min Σ ‖y − W x − b‖² + λ n ‖W‖²`.
///
/// The normal equations are solved by Cholesky's factorisation in float64. λ is `relativePenalty` times the mean square of
/// the features; the intercept is not penalised. Reference: Hoerl and Kennard, *Ridge Regression*, Technometrics 1970.
package struct RidgeRegression {
  /// `[outputs, features]`.
  package let weights: [Float]
  /// `[outputs]`.
  package let intercepts: [Float]

  /// Fits the map to rows of features and targets.
  ///
  /// - Parameters:
  ///   - features: `[rows, width]`.
  ///   - targets: `[rows, outputs]`.
  package init(
    features: Matrix, targets: Matrix, relativePenalty: Double = 1e-4, pool: ThreadPool
  ) {
    precondition(features.rows == targets.rows && features.rows > 0)
    let width = features.columns + 1
    let x = features.withOnes
    let y = targets.values.map(Double.init)
    var gram = [Double](repeating: 0, count: width * width)
    var moments = [Double](repeating: 0, count: width * targets.columns)
    MatrixProduct(rows: width, columns: width, depth: features.rows, transposesLeft: true)(
      x, x, into: &gram, pool: pool)
    MatrixProduct(
      rows: width, columns: targets.columns, depth: features.rows, transposesLeft: true)(
        x, y, into: &moments, pool: pool)
    let trace = (0..<width - 1).reduce(0) { $0 + gram[$1 * width + $1] }
    let penalty = relativePenalty * trace / Double(max(width - 1, 1))
    for index in 0..<width - 1 { gram[index * width + index] += penalty }
    gram[width * width - 1] += penalty * 1e-9
    let solution = Self.solve(&gram, width, moments, targets.columns)
    weights = (0..<targets.columns).flatMap { output in
      (0..<width - 1).map { Float(solution[$0 * targets.columns + output]) }
    }
    intercepts = (0..<targets.columns).map {
      Float(solution[(width - 1) * targets.columns + $0])
    }
  }

  /// Solves `A X = B` for a positive definite `A` `[n, n]` and `B` `[n, m]`; `A` becomes its factor.
  private static func solve(_ a: inout [Double], _ n: Int, _ b: [Double], _ m: Int) -> [Double] {
    for column in 0..<n {
      for row in column..<n {
        var sum = a[row * n + column]
        for k in 0..<column { sum -= a[row * n + k] * a[column * n + k] }
        a[row * n + column] =
          row == column
          ? max(sum, .leastNormalMagnitude).squareRoot() : sum / a[column * n + column]
      }
    }
    var x = b
    for output in 0..<m {
      for row in 0..<n {
        for k in 0..<row { x[row * m + output] -= a[row * n + k] * x[k * m + output] }
        x[row * m + output] /= a[row * n + row]
      }
      for row in (0..<n).reversed() {
        for k in row + 1..<n { x[row * m + output] -= a[k * n + row] * x[k * m + output] }
        x[row * m + output] /= a[row * n + row]
      }
    }
    return x
  }
}

/// Rows of numbers.
package struct Matrix {
  /// Numbers a row.
  package let columns: Int
  /// All numbers, row by row.
  package var values: [Float] = []

  /// A matrix without rows.
  package init(columns: Int) { self.columns = columns }

  /// The number of rows.
  package var rows: Int { values.count / columns }

  /// The rows in float64, each with a 1 behind it.
  var withOnes: [Double] {
    var result: [Double] = []
    result.reserveCapacity(rows * (columns + 1))
    for row in 0..<rows {
      for value in values[row * columns..<(row + 1) * columns] { result.append(Double(value)) }
      result.append(1)
    }
    return result
  }

  /// The rows that `isIncluded` says yes to.
  func rows(where isIncluded: (Int) -> Bool) -> Matrix {
    var result = Matrix(columns: columns)
    for row in 0..<rows where isIncluded(row) {
      result.values += values[row * columns..<(row + 1) * columns]
    }
    return result
  }
}
