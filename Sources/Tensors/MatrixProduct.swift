import COpenBLAS

/// Products of dense row-major matrices.
///
/// A product is cut into blocks of rows or columns that depend on its extents alone. So the result
/// is the same at any number of threads.
public struct MatrixProduct: Sendable, Hashable {
  /// Rows of the result.
  public var rows: Int
  /// Columns of the result.
  public var columns: Int
  /// The number of terms of each sum.
  public var depth: Int
  /// Whether the left matrix lies in memory as `[depth, rows]` instead of `[rows, depth]`.
  public var transposesLeft: Bool
  /// Whether the right matrix lies in memory as `[columns, depth]` instead of `[depth, columns]`.
  public var transposesRight: Bool

  /// A product of the given extents.
  public init(
    rows: Int, columns: Int, depth: Int, transposesLeft: Bool = false,
    transposesRight: Bool = false
  ) {
    self.rows = rows
    self.columns = columns
    self.depth = depth
    self.transposesLeft = transposesLeft
    self.transposesRight = transposesRight
  }

  /// OpenBLAS works on the thread that calls it; the pool distributes the blocks.
  static let isSingleThreaded: Void = openblas_set_num_threads(1)

  /// Multiply–accumulates below which a product stays in one block.
  private static let grain = 1 << 18
  private static let blockMultiple = 32

  /// The bounds of the blocks of the longer of the result's axes.
  private func blocks(of extent: Int) -> (count: Int, size: Int) {
    let work = rows * columns * depth
    let wanted = max(1, min(8, work / Self.grain))
    let size = (extent + wanted - 1) / wanted
    let rounded = (size + Self.blockMultiple - 1) / Self.blockMultiple * Self.blockMultiple
    return ((extent + rounded - 1) / rounded, rounded)
  }

  /// Writes `C = α A B + β C`.
  ///
  /// - Parameters:
  ///   - a: `[rows, depth]`, or transposed.
  ///   - leftStride: Elements from one line of `a` in memory to the next; `nil` when they lie
  ///     densely.
  ///   - b: `[depth, columns]`, or transposed.
  ///   - c: `[rows, columns]`; not read when β is 0.
  public func callAsFunction(
    _ a: UnsafePointer<Float>, leftStride: Int? = nil, _ b: UnsafePointer<Float>,
    into c: UnsafeMutablePointer<Float>, alpha: Float = 1, beta: Float = 0, pool: ThreadPool
  ) {
    guard rows > 0, columns > 0 else { return }
    guard depth > 0 else {
      for index in 0..<rows * columns { c[index] = beta == 0 ? 0 : beta * c[index] }
      return
    }
    _ = Self.isSingleThreaded
    let line = leftStride ?? (transposesLeft ? rows : depth)
    let leading = (a: Int32(line), b: Int32(transposesRight ? depth : columns))
    let splitsRows = rows > columns
    let blocks = blocks(of: splitsRows ? rows : columns)
    pool.forEach(blocks.count) { block in
      let first = block * blocks.size
      let extent = min(blocks.size, (splitsRows ? rows : columns) - first)
      let left = splitsRows ? a + (transposesLeft ? first : first * line) : a
      let right = splitsRows ? b : b + (transposesRight ? first * depth : first)
      cblas_sgemm(
        CblasRowMajor, transposesLeft ? CblasTrans : CblasNoTrans,
        transposesRight ? CblasTrans : CblasNoTrans,
        Int32(splitsRows ? extent : rows), Int32(splitsRows ? columns : extent), Int32(depth),
        alpha, left, leading.a, right, leading.b, beta,
        c + (splitsRows ? first * columns : first), Int32(columns))
    }
  }

  /// Writes `C = α A B + β C` in float64.
  public func callAsFunction(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, into c: UnsafeMutablePointer<Double>,
    alpha: Double = 1, beta: Double = 0, pool: ThreadPool
  ) {
    guard rows > 0, columns > 0 else { return }
    guard depth > 0 else {
      for index in 0..<rows * columns { c[index] = beta == 0 ? 0 : beta * c[index] }
      return
    }
    _ = Self.isSingleThreaded
    cblas_dgemm(
      CblasRowMajor, transposesLeft ? CblasTrans : CblasNoTrans,
      transposesRight ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns), Int32(depth),
      alpha, a, Int32(transposesLeft ? rows : depth), b, Int32(transposesRight ? depth : columns),
      beta, c, Int32(columns))
  }
}
