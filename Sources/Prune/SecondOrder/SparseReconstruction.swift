import Compression
import Tensors

/// Sparse weights of a layer whose responses differ least from given ones.
///
/// `min Σ_g ‖Y_g − X_g W_gᵀ − 1 bᵀ‖² / n + λ ‖W − W₀‖²` over all groups *g* of a convolution at
/// once, with a given number of nonzeros in a pattern.
///
/// Which weights stay is found by the alternating direction method of multipliers (ADMM). It
/// alternates between the best weights near a sparse matrix D and D as their projection on the
/// pattern, with a growing penalty ρ. One eigendecomposition of `X_gᵀ X_g` is enough for all
/// iterations. Columns are first scaled to responses of equal size, so that ρ needs no tuning. Then
/// each output gets the exact least-squares solution on the weights that stay, in float64.
///
/// Reference: the problem is that of Frantar and Alistarh, *Optimal Brain Compression*, NeurIPS
/// 2022, arXiv:2208.11580, and of LeCun, Denker and Solla, *Optimal Brain Damage*, NIPS 1989.
/// Deviation: they remove one weight after the other. The choice here is that of Meng et al.,
/// *ALPS*, NeurIPS 2024, arXiv:2406.07831. Deviations from ALPS: the number of iterations is fixed;
/// the solution is exact instead of by conjugate gradients; the mask is global to a layer; biases
/// are fitted; λ regularises towards the old weights.
public struct SparseReconstruction: Sendable {
  /// `[outputs, channels / groups · kernel]`.
  public private(set) var weights: [Float]
  /// The constants added to the responses, `[outputs]`.
  public private(set) var intercept: [Float]
  /// `Σ (y − ŷ)² / Σ (y − ȳ)²` with the new weights.
  public private(set) var error: Double
  /// The same with the old weights where weights stay, and zeros elsewhere.
  public private(set) var errorUnfitted: Double

  /// How a layer is solved.
  public struct Settings: Sendable, Equatable {
    /// Iterations of the search for the weights that stay.
    public var turns = 60
    /// ρ in the first iteration, in units of the mean square of a scaled column.
    public var penalty = 0.03
    /// The factor by which ρ grows from iteration to iteration.
    public var growth = 1.08
    /// The largest number of gradient steps after the search, which go on as long as they help.
    public var polishes = 4
    /// λ in units of the mean square of the columns.
    public var ridge = 1e-3

    /// The usual settings.
    public init() {}
  }

  /// Chooses and refits the weights of a layer.
  ///
  /// - Parameters:
  ///   - moments: The moments of each group's input against the target response of the layer.
  ///   - weights: The old weights, `[outputs, channels / groups · kernel]`.
  ///   - channels: Input channels of a group.
  ///   - kept: How many weights stay.
  ///   - fitsIntercept: Whether a constant is fitted too; otherwise the weights also fit the means
  ///     of responses.
  /// - Throws: `LinearAlgebraError` when a moment is not finite.
  /// - Complexity: one eigendecomposition for each group, two products `outputs × depth × depth`
  ///   for each iteration, and a Cholesky factorisation for each output.
  public init(
    _ moments: [PatchMoments], weights: [Float], channels: Int, keeping kept: Int,
    pattern: SparsityPattern = .unstructured, fitsIntercept: Bool = true,
    settings: Settings = Settings(), pool: ThreadPool
  ) throws {
    let groups = try pool.map(moments.count) { group in
      let rows = weights.count / moments.count
      return try LayerGroup(
        moments[group], weights: Array(weights[group * rows..<(group + 1) * rows]),
        fitsIntercept: fitsIntercept, settings: settings)
    }
    let depth = moments.first?.depth ?? 0
    let projection = SparsityProjection(
      pattern: pattern, outputs: depth == 0 ? 0 : weights.count / depth, channels: channels,
      kernel: channels == 0 ? 0 : depth / channels, kept: kept)
    var stays = Self.choice(groups, projection, settings, pool)
    var fitted = Self.fits(groups, stays, pool)
    // Where a gradient step from here would keep other weights, the better choice is taken.
    for _ in 0..<settings.polishes {
      let moved = zip(groups, fitted.weights).flatMap { $0.descended($1, pool: pool) }
      let others = projection(moved)
      guard others != stays else { break }
      let again = Self.fits(groups, others, pool)
      guard again.residual < fitted.residual else { break }
      (stays, fitted) = (others, again)
    }
    (self.weights, intercept) = ([], [])
    var residual = (fitted: 0.0, unfitted: 0.0, whole: 0.0)
    var first = 0
    residual.fitted = fitted.residual
    for (place, (group, own)) in zip(groups, moments).enumerated() {
      let mask = stays[first..<first + group.weights.count]
      first += group.weights.count
      let old = zip(group.weights, mask).map { $1 ? $0 : 0 }
      residual.unfitted += group.residual(old, pool: pool)
      residual.whole += group.variation
      let values = fitted.weights[place].map { Float($0) }
      self.weights += values
      intercept +=
        fitsIntercept
        ? own.intercept(weights: values) : Array(repeating: 0, count: own.outputs)
    }
    error = residual.whole > 0 ? max(0, residual.fitted) / residual.whole : 0
    errorUnfitted = residual.whole > 0 ? max(0, residual.unfitted) / residual.whole : 0
  }

  /// The exact least-squares solution of all groups, and its residual.
  private static func fits(
    _ groups: [LayerGroup], _ stays: [Bool], _ pool: ThreadPool
  ) -> (weights: [[Double]], residual: Double) {
    var first = 0
    var result: (weights: [[Double]], residual: Double) = ([], 0)
    for group in groups {
      let own = Array(stays[first..<first + group.weights.count])
      first += group.weights.count
      let weights = group.leastSquares(own, pool: pool)
      result.weights.append(weights)
      result.residual += group.residual(weights, pool: pool)
    }
    return result
  }

  /// Which weights stay.
  private static func choice(
    _ groups: [LayerGroup], _ projection: SparsityProjection, _ settings: Settings,
    _ pool: ThreadPool
  ) -> [Bool] {
    let count = groups.reduce(0) { $0 + $1.weights.count }
    guard projection.kept < count || projection.pattern != .unstructured else {
      return Array(repeating: true, count: count)
    }
    var sparse = groups.flatMap(\.scaledWeights)
    var dual = [Float](repeating: 0, count: count)
    var stays: [Bool] = []
    var penalty = Float(settings.penalty)
    for _ in 0..<settings.turns {
      var dense: [Float] = []
      dense.reserveCapacity(count)
      for group in groups {
        let range = dense.count..<dense.count + group.weights.count
        dense += group.nearest(
          sparse: sparse[range], dual: dual[range], penalty: penalty, pool: pool)
      }
      for index in 0..<count { sparse[index] = dense[index] + dual[index] / penalty }
      stays = projection(sparse)
      for index in 0..<count {
        if !stays[index] { sparse[index] = 0 }
        dual[index] += penalty * (dense[index] - sparse[index])
      }
      penalty *= Float(settings.growth)
    }
    return stays
  }
}
