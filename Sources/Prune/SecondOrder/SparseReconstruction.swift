import Compression
import Tensors

/// The weights of a layer, many of them zero, whose responses differ least from given ones.
///
/// `min Σ_g ‖Y_g − X_g W_gᵀ − 1 bᵀ‖² / n + λ ‖W − W₀‖²` over all groups *g* of a convolution at
/// once, with so many nonzeros in a pattern. Which weights stay is found by the alternating
/// direction method of multipliers: in turn the best weights near a sparse matrix D (one
/// eigendecomposition of `X_gᵀ X_g` serves all turns), then D as their projection on the pattern,
/// with a penalty ρ that grows. Columns are first scaled to responses of equal size, so that ρ
/// needs no tuning. Then the weights of each output are the exact least squares on those that stay,
/// in float64.
///
/// Reference: the problem is that of Frantar and Alistarh, *Optimal Brain Compression*, NeurIPS
/// 2022, arXiv:2208.11580, and of LeCun, Denker and Solla, *Optimal Brain Damage*, NIPS 1989.
/// Deviation: they remove one weight after the other; the choice here is that of Meng et al.,
/// *ALPS*, NeurIPS 2024, arXiv:2406.07831, which leaves a smaller error at a fraction of the time.
/// Deviations from ALPS: a number of turns that is fixed, and a solution that is exact where it
/// takes conjugate gradients; the mask is global to a layer; biases are fitted; λ pulls to the
/// weights that were.
public struct SparseReconstruction: Sendable {
  /// `[outputs, channels / groups · kernel]`.
  public private(set) var weights: [Float]
  /// What is added to the responses, `[outputs]`.
  public private(set) var intercept: [Float]
  /// `Σ (y − ŷ)² / Σ (y − ȳ)²` with the weights found.
  public private(set) var error: Double
  /// The same with the old weights where they stay, and zeros elsewhere.
  public private(set) var errorUnfitted: Double

  /// How a layer is solved.
  public struct Settings: Sendable, Equatable {
    /// Turns of the search for the weights that stay.
    public var turns = 60
    /// ρ of the first turn, in units of the mean square of a scaled column.
    public var penalty = 0.03
    /// What ρ grows by from turn to turn.
    public var growth = 1.08
    /// Steps down the gradient after the search, as long as they help.
    public var polishes = 4
    /// λ in units of the mean square of the columns.
    public var ridge = 1e-3

    /// The usual settings.
    public init() {}
  }

  /// Chooses and refits the weights of a layer.
  ///
  /// - Parameters:
  ///   - moments: Of what each group reads, against what the layer should answer.
  ///   - weights: As they are, `[outputs, channels / groups · kernel]`.
  ///   - channels: Input channels of a group.
  ///   - kept: How many weights stay.
  ///   - fitsIntercept: Whether a constant is fitted too; else the means of responses are fitted by
  ///     the weights.
  /// - Throws: `LinearAlgebraError` when a moment is not finite.
  /// - Complexity: one eigendecomposition a group, two products `outputs × depth × depth` a turn,
  ///   and a Cholesky factorisation for each output.
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
    // Where a step down the gradient from there would have others stay, the better choice counts.
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

  /// The exact least squares of all groups, and what they leave.
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
