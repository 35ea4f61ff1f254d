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
    self = try LayerProblem(
      moments, weights: weights, channels: channels, fitsIntercept: fitsIntercept,
      settings: settings, pool: pool
    ).solution(keeping: kept, pattern: pattern)
  }

  init(weights: [Float], intercept: [Float], error: Double, errorUnfitted: Double) {
    (self.weights, self.intercept) = (weights, intercept)
    (self.error, self.errorUnfitted) = (error, errorUnfitted)
  }
}
