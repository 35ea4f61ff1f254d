import Tensors

/// The canonical polyadic decomposition of a filter bank,
/// `W[o, i, y, x] ≈ Σᵣ A[o, r] B[i, r] C[y, r] D[x, r]`.
///
/// The method is alternating least squares: each factor in turn is the ridge solution given the
/// others. One sweep costs two products with the whole tensor; the small factors are computed from
/// the result of the second.
///
/// Reference: Lebedev et al., *Speeding-up Convolutional Neural Networks Using Fine-tuned
/// CP-Decomposition*, ICLR 2015, arXiv:1412.6553, which solves by nonlinear least squares; Kolda
/// and Bader, *Tensor Decompositions and Applications*, SIAM Review 51, 2009 (ALS, normalised
/// columns); error-preserving correction after Phan et al., *Stable Low-rank Tensor Decomposition
/// for Compression of Convolutional Neural Network*, ECCV 2020, arXiv:2008.05441. Deviation: the
/// correction minimises the components' squared norms factor by factor, not the sensitivity.
public struct CPDecomposition: Sendable {
  /// `[O, I, kH, kW]`.
  public let shape: [Int]
  /// The number of components.
  public let rank: Int
  /// `[extent, rank]` for each axis; columns of all but the first have norm 1.
  public private(set) var factors: [[Double]]
  /// `‖W − Ŵ‖ / ‖W‖`.
  public private(set) var reconstructionError = 1.0
  /// The number of sweeps that were made.
  public private(set) var sweeps = 0
  private let norm2: Double

  /// Decomposes by alternating least squares from one start.
  ///
  /// - Parameters:
  ///   - weights: `[O, I, kH, kW]`.
  ///   - start: 0 begins with the leading singular vectors of the unfoldings, other numbers with
  ///     random factors.
  ///   - tolerance: Stops when the squared error falls by less than this part of the tensor's norm;
  ///     0 never stops early.
  /// - Throws: ``LinearAlgebraError``.
  public init(
    _ weights: [Float], shape: [Int], rank: Int, iterations: Int, start: Int = 0, seed: UInt64 = 0,
    tolerance: Double = 1e-7, pool: ThreadPool = ThreadPool(threads: 1)
  ) throws {
    precondition(shape.count == 4 && rank > 0 && weights.count == shape.reduce(1, *))
    guard weights.allSatisfy(\.isFinite) else { throw LinearAlgebraError.notFinite }
    (self.shape, self.rank) = (shape, rank)
    norm2 = weights.reduce(0) { $0 + Double($1) * Double($1) }
    factors = try Self.startingFactors(weights, shape, rank, start: start, seed: seed)
    guard norm2 > 0 else {
      reconstructionError = 0
      return
    }
    var last = Double.infinity
    for sweep in 1...max(iterations, 1) {
      let error2 = self.sweep(weights, pool) { $0.ridgeSolution($1, axis: $2, ridge: Self.ridge) }
      sweeps = sweep
      if last - error2 < tolerance * norm2, sweep > 3 { break }
      last = error2
    }
    measure(weights, pool)
  }

  /// The decomposition with the least error out of several starts.
  public static func best(
    _ weights: [Float], shape: [Int], rank: Int, iterations: Int, starts: Int, seed: UInt64
  ) throws -> CPDecomposition {
    var best: CPDecomposition?
    for start in 0..<max(starts, 1) {
      let one = try CPDecomposition(
        weights, shape: shape, rank: rank, iterations: iterations, start: start, seed: seed)
      if one.reconstructionError < best?.reconstructionError ?? .infinity { best = one }
    }
    guard let best else { throw LinearAlgebraError.noConvergence }
    return best
  }

  /// The part of the mean diagonal that is added to the diagonal of the normal equations.
  private static let ridge = 1e-7

  // MARK: Starting

  private static func startingFactors(
    _ weights: [Float], _ shape: [Int], _ rank: Int, start: Int, seed: UInt64
  ) throws -> [[Double]] {
    var random = CounterRandom(seed: seed, stream: UInt64(start))
    var factors = shape.map { extent in
      (0..<extent * rank).map { _ in Double.random(in: -1...1, using: &random) }
    }
    guard start == 0 else { return factors }
    for axis in 0..<2 {
      let extent = shape[axis]
      let vectors = try unfoldingVectors(weights, shape, axis)
      for row in 0..<extent {
        for column in 0..<min(rank, extent) {
          factors[axis][row * rank + column] = vectors[column * extent + row]
        }
      }
    }
    return factors
  }

  /// Left singular vectors of an unfolding, one in each row.
  private static func unfoldingVectors(
    _ weights: [Float], _ shape: [Int], _ axis: Int
  ) throws -> [Double] {
    let (o, i, k) = (shape[0], shape[1], shape[2] * shape[3])
    let unfolding = axis == 0 ? weights : Unfolding.swapped(weights, o, i, k)
    return try Unfolding.modes(
      unfolding, rows: shape[axis], columns: weights.count / shape[axis]
    ).vectors
  }

  // MARK: Sweeping

  /// Updates every factor once by `solve(self, product, axis)`; returns the squared error before
  /// normalisation.
  ///
  /// `product` is the unfolding times the Khatri–Rao product of the other factors,
  /// `[extent, rank]`.
  private mutating func sweep(
    _ weights: [Float], _ pool: ThreadPool,
    _ solve: (CPDecomposition, [Double], Int) -> [Double]
  ) -> Double {
    let (o, i, h, w) = (shape[0], shape[1], shape[2], shape[3])
    let (inner, r) = (i * h * w, rank)
    var product = [Float](repeating: 0, count: max(o, inner) * r)
    let others = khatriRao()
    MatrixProduct(rows: o, columns: r, depth: inner)(weights, others, into: &product, pool: pool)
    factors[0] = solve(self, product.prefix(o * r).map(Double.init), 0)
    let first = factors[0].map(Float.init)
    // [I·kH·kW, R]: everything below needs only this product of the tensor.
    MatrixProduct(rows: inner, columns: r, depth: o, transposesLeft: true)(
      weights, first, into: &product, pool: pool)
    var sums = [Double](repeating: 0, count: i * r)
    for row in 0..<i {
      for y in 0..<h {
        for x in 0..<w {
          let place = ((row * h + y) * w + x) * r
          for k in 0..<r {
            sums[row * r + k] +=
              Double(product[place + k]) * factors[2][y * r + k] * factors[3][x * r + k]
          }
        }
      }
    }
    factors[1] = solve(self, sums, 1)
    var planes = [Double](repeating: 0, count: h * w * r)
    for row in 0..<i {
      for place in 0..<h * w {
        let at = (row * h * w + place) * r
        for k in 0..<r {
          planes[place * r + k] += Double(product[at + k]) * factors[1][row * r + k]
        }
      }
    }
    for axis in 2...3 {
      let (extent, other) = (shape[axis], shape[5 - axis])
      var sums = [Double](repeating: 0, count: extent * r)
      for row in 0..<extent {
        for column in 0..<other {
          let place = axis == 2 ? row * w + column : column * w + row
          for k in 0..<r {
            sums[row * r + k] += planes[place * r + k] * factors[5 - axis][column * r + k]
          }
        }
      }
      factors[axis] = solve(self, sums, axis)
      // The factors in the products above must keep their scale until here.
      if axis == 3 {
        let error2 = squaredError(sums, axis)
        for axis in 1...3 { normalize(axis) }
        return error2
      }
    }
    return norm2
  }

  /// Moves the norms of a factor's columns to the first factor.
  private mutating func normalize(_ axis: Int) {
    let (extent, r) = (shape[axis], rank)
    for k in 0..<r {
      let norm = columnNorm(axis, k)
      guard norm > 0 else { continue }
      for row in 0..<extent { factors[axis][row * r + k] /= norm }
      for row in 0..<shape[0] { factors[0][row * r + k] *= norm }
    }
  }

  private func columnNorm(_ axis: Int, _ k: Int) -> Double {
    (0..<shape[axis]).reduce(0.0) {
      $0 + factors[axis][$1 * rank + k] * factors[axis][$1 * rank + k]
    }.squareRoot()
  }

  /// Rows `(i, y, x)` of the Khatri–Rao product of all factors but the first.
  private func khatriRao() -> [Float] {
    let (i, h, w, r) = (shape[1], shape[2], shape[3], rank)
    return [Float](unsafeUninitializedCapacity: i * h * w * r) { memory, count in
      for row in 0..<i {
        for y in 0..<h {
          for x in 0..<w {
            let place = ((row * h + y) * w + x) * r
            for k in 0..<r {
              memory[place + k] = Float(
                factors[1][row * r + k] * factors[2][y * r + k] * factors[3][x * r + k])
            }
          }
        }
      }
      count = i * h * w * r
    }
  }

  /// The Hadamard product of `FᵀF` over all factors but one, `[rank, rank]`.
  private func gram(without axis: Int) -> [Double] {
    var result = [Double](repeating: 1, count: rank * rank)
    for other in 0..<4 where other != axis {
      var own = [Double](repeating: 0, count: rank * rank)
      MatrixProduct(rows: rank, columns: rank, depth: shape[other], transposesLeft: true)(
        factors[other], factors[other], into: &own, pool: ThreadPool(threads: 1))
      for index in result.indices { result[index] *= own[index] }
    }
    return result
  }

  /// `M (Γ + ρ I)⁻¹`, where ρ grows until the system can be solved.
  private func ridgeSolution(_ product: [Double], axis: Int, ridge: Double) -> [Double] {
    let gram = gram(without: axis)
    let mean = (0..<rank).reduce(0.0) { $0 + gram[$1 * rank + $1] } / Double(rank)
    var strength = max(mean, 1e-30) * ridge
    while strength < mean * 1e6 + 1 {
      var matrix = gram
      for index in 0..<rank { matrix[index * rank + index] += strength }
      if let factor = CholeskyFactorization(matrix, order: rank) {
        return factor.solve(product, count: shape[axis])
      }
      strength *= 100
    }
    return factors[axis]
  }

  /// `‖W‖² − 2 ⟨M, F⟩ + ⟨FᵀF, Γ⟩` for the factor solved last.
  private func squaredError(_ product: [Double], _ axis: Int) -> Double {
    let gram = gram(without: axis)
    var own = [Double](repeating: 0, count: rank * rank)
    MatrixProduct(rows: rank, columns: rank, depth: shape[axis], transposesLeft: true)(
      factors[axis], factors[axis], into: &own, pool: ThreadPool(threads: 1))
    let cross = zip(product, factors[axis]).reduce(0) { $0 + $1.0 * $1.1 }
    return norm2 - 2 * cross + zip(own, gram).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Computes the error from the full tensor, without the cancellation of the closed form.
  private mutating func measure(_ weights: [Float], _ pool: ThreadPool) {
    let (o, inner) = (shape[0], shape[1] * shape[2] * shape[3])
    var rest = weights
    MatrixProduct(rows: o, columns: inner, depth: rank, transposesRight: true)(
      factors[0].map(Float.init), khatriRao(), into: &rest, alpha: -1, beta: 1, pool: pool)
    let error2 = rest.reduce(0) { $0 + Double($1) * Double($1) }
    reconstructionError = norm2 > 0 ? (error2 / norm2).squareRoot() : 0
  }

  // MARK: Stability

  /// The root of the sum of the components' squared norms, divided by the tensor's norm.
  ///
  /// It is 1 when components are orthogonal. It is large when some cancel each other, which makes
  /// intermediate values large and training unstable.
  public var intensity: Double {
    norm2 > 0 ? (factors[0].reduce(0) { $0 + $1 * $1 } / norm2).squareRoot() : 0
  }

  /// Makes components that cancel each other smaller, with almost the same error.
  ///
  /// Each factor in turn is the one of least norm whose error is within `slack` of the error at the
  /// start: `min ‖F‖² s.t. ‖W − Ŵ‖ ≤ (1 + slack) δ`, solved by the ridge whose strength meets the
  /// bound.
  ///
  /// - Throws: ``LinearAlgebraError``.
  public mutating func correct(
    _ weights: [Float], sweeps: Int = 20, slack: Double = 0.01,
    pool: ThreadPool = ThreadPool(threads: 1)
  ) throws {
    let bound = reconstructionError * (1 + slack) + 1e-6
    let bound2 = bound * bound * norm2
    var failure: (any Error)?
    for _ in 0..<sweeps {
      _ = sweep(weights, pool) { cp, product, axis in
        do {
          return try cp.leastNorm(product, axis: axis, bound2: bound2)
        } catch {
          failure = error
          return cp.factors[axis]
        }
      }
      if let failure { throw failure }
    }
    measure(weights, pool)
  }

  /// The factor of least norm whose squared error meets a bound; the least-squares one when none
  /// does.
  ///
  private func leastNorm(_ product: [Double], axis: Int, bound2: Double) throws -> [Double] {
    let r = rank
    // With the others' columns scaled to norm 1, the norm of a column of this factor is that of its
    // component.
    let scales = (0..<r).map { k in
      max((0..<4).filter { $0 != axis }.reduce(1.0) { $0 * columnNorm($1, k) }, 1e-30)
    }
    var gram = gram(without: axis)
    for a in 0..<r { for b in 0..<r { gram[a * r + b] /= scales[a] * scales[b] } }
    let eigen = try SymmetricEigenvectors(gram, order: r)
    var turned = [Double](repeating: 0, count: shape[axis] * r)
    let scaled = product.enumerated().map { $0.element / scales[$0.offset % r] }
    MatrixProduct(rows: shape[axis], columns: r, depth: r, transposesRight: true)(
      scaled, eigen.vectors, into: &turned, pool: ThreadPool(threads: 1))
    var energies = [Double](repeating: 0, count: r)
    for (index, value) in turned.enumerated() { energies[index % r] += value * value }
    let floor = max(eigen.values[0], 1e-30) * 1e-12
    func error2(_ strength: Double) -> Double {
      (0..<r).reduce(norm2) { sum, k in
        let value = max(eigen.values[k], 0) + floor
        return sum - energies[k] * (value + 2 * strength)
          / ((value + strength) * (value + strength))
      }
    }
    var (low, high) = (0.0, max(eigen.values[0], 1e-30) * 1e6)
    if error2(0) >= bound2 {
      high = 0
    } else {
      for _ in 0..<80 {
        let middle = low == 0 ? high * 1e-3 : (low * high).squareRoot()
        if error2(middle) <= bound2 { low = middle } else { high = middle }
        if low == 0, high < floor { break }
      }
    }
    let strength = low
    for index in turned.indices {
      let k = index % r
      turned[index] /= max(eigen.values[k], 0) + floor + strength
    }
    var result = [Double](repeating: 0, count: shape[axis] * r)
    MatrixProduct(rows: shape[axis], columns: r, depth: r)(
      turned, eigen.vectors, into: &result, pool: ThreadPool(threads: 1))
    return result.enumerated().map { $0.element / scales[$0.offset % r] }
  }
}
