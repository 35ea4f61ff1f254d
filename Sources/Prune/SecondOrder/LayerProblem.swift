import Compression
import Tensors

/// The least squares of a layer, ready to be solved for any number of nonzeros.
struct LayerProblem: Sendable {
  private let groups: [LayerGroup]
  private let moments: [PatchMoments]
  private let channels: Int
  private let fitsIntercept: Bool
  private let settings: SparseReconstruction.Settings
  private let pool: ThreadPool

  /// Decomposes the moments; see ``SparseReconstruction`` for the arguments.
  ///
  /// - Throws: `LinearAlgebraError` when a moment is not finite.
  init(
    _ moments: [PatchMoments], weights: [Float], channels: Int, fitsIntercept: Bool,
    settings: SparseReconstruction.Settings, pool: ThreadPool
  ) throws {
    groups = try pool.map(moments.count) { group in
      let rows = weights.count / moments.count
      return try LayerGroup(
        moments[group], weights: Array(weights[group * rows..<(group + 1) * rows]),
        fitsIntercept: fitsIntercept, settings: settings)
    }
    (self.moments, self.channels, self.fitsIntercept) = (moments, channels, fitsIntercept)
    (self.settings, self.pool) = (settings, pool)
  }

  /// The weights that stay and their values.
  func solution(keeping kept: Int, pattern: SparsityPattern) -> SparseReconstruction {
    let depth = moments.first?.depth ?? 0
    let count = groups.reduce(0) { $0 + $1.weights.count }
    let projection = SparsityProjection(
      pattern: pattern, outputs: depth == 0 ? 0 : count / depth, channels: channels,
      kernel: channels == 0 ? 0 : depth / channels, kept: kept)
    var stays = choice(projection)
    var fitted = fits(stays)
    // Where a gradient step from here would keep other weights, the better choice is taken.
    for _ in 0..<settings.polishes {
      let moved = zip(groups, fitted.weights).flatMap { $0.descended($1, pool: pool) }
      let others = projection(moved)
      guard others != stays else { break }
      let again = fits(others)
      guard again.residual < fitted.residual else { break }
      (stays, fitted) = (others, again)
    }
    return result(stays, fitted.weights, residual: fitted.residual)
  }

  private func result(
    _ stays: [Bool], _ fitted: [[Double]], residual: Double
  ) -> SparseReconstruction {
    var (weights, intercept): ([Float], [Float]) = ([], [])
    var (unfitted, whole) = (0.0, 0.0)
    var first = 0
    for (place, (group, own)) in zip(groups, moments).enumerated() {
      let mask = stays[first..<first + group.weights.count]
      first += group.weights.count
      let old = zip(group.weights, mask).map { $1 ? $0 : 0 }
      unfitted += group.residual(old, pool: pool)
      whole += group.variation
      let values = fitted[place].map { Float($0) }
      weights += values
      intercept +=
        fitsIntercept
        ? own.intercept(weights: values) : Array(repeating: 0, count: own.outputs)
    }
    func share(_ error: Double) -> Double { whole > 0 ? max(0, error) / whole : 0 }
    return SparseReconstruction(
      weights: weights, intercept: intercept, error: share(residual),
      errorUnfitted: share(unfitted))
  }

  /// The exact least-squares solution of all groups, and its residual.
  private func fits(_ stays: [Bool]) -> (weights: [[Double]], residual: Double) {
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
  private func choice(_ projection: SparsityProjection) -> [Bool] {
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
