import Tensors

/// Weights on a subset S of input channels that reproduce the response of all channels.
///
/// They solve `min ‖Y − X_S W − b‖² + ρ ‖W − W₀‖²`.
///
/// The solution is by the normal equations. ρ is a part of the mean variance of the inputs, chosen
/// at positions that are held back, and grows tenfold until the system is well-conditioned. So
/// weights in directions that the positions do not determine stay as they were.
///
/// Reference: He, Zhang and Sun, ICCV 2017, arXiv:1707.06168, equation 3. Deviation: the
/// regularisation towards W₀.
public struct LeastSquaresReconstruction: Sendable {
  /// `[outputs, channels · kernel]`; zero for removed channels.
  public private(set) var weights: [Float]
  /// The constants added to the responses, `[outputs]`.
  public private(set) var intercept: [Float]
  /// `Σ (y − ŷ)² / Σ (y − ȳ)²` with the old weights, without those of removed channels.
  public private(set) var errorBefore: Double
  /// The same with the new weights.
  public private(set) var errorAfter: Double
  /// ρ.
  public private(set) var ridge: Double

  /// Refits a layer.
  ///
  /// - Parameters:
  ///   - heldBack: Moments at positions that choose ρ: that of ``ridges`` with the least error
  ///     there. The errors are those at these positions, by weights that have not seen them. Then
  ///     the layer is refitted on all positions. Without them ρ starts at the least, and the errors
  ///     are those at the positions of the fit.
  ///   - weights: The old weights, `[outputs, channels · kernel]`.
  ///   - kept: The input channels that stay.
  /// - Returns: `nil` when there are no positions or nothing stays.
  public init?(
    _ moments: PatchMoments, heldBack: PatchMoments? = nil, weights: [Float], channels: Int,
    keeping kept: [Int]
  ) {
    let (depth, outputs) = (moments.depth, moments.outputs)
    precondition(weights.count == outputs * depth && depth % channels == 0)
    let kernel = depth / channels
    let places = kept.flatMap { channel in (0..<kernel).map { channel * kernel + $0 } }
    guard moments.count > 1, !places.isEmpty else { return nil }
    let problem = Problem(moments, weights: weights, places: places)
    guard let heldBack, heldBack.count > 1 else {
      guard let fit = problem.solve(ridge: Self.ridges[0]) else { return nil }
      self.init(fit, problem.errors(fit))
      return
    }
    let variation = heldBack.responseVariation
    func error(_ fit: Fit) -> Double {
      heldBack.squaredError(weights: fit.weights, intercept: fit.intercept)
    }
    let tried = Self.ridges.compactMap { ridge in
      problem.solve(ridge: ridge).map { (ridge: ridge, fit: $0, error: error($0)) }
    }
    guard let best = tried.min(by: { $0.error < $1.error }) else { return nil }
    var whole = moments
    whole += heldBack
    guard
      let fit = Problem(whole, weights: weights, places: places).solve(ridge: best.ridge)
    else { return nil }
    let before = Problem(heldBack, weights: weights, places: places).errors(fit).before
    self.init(fit, (before, variation > 0 ? best.error / variation : 0))
  }

  private init(_ fit: Fit, _ errors: (before: Double, after: Double)) {
    (weights, intercept, ridge) = (fit.weights, fit.intercept, fit.ridge)
    (errorBefore, errorAfter) = errors
  }

  /// The values of ρ that are tried, in units of the mean variance of the inputs.
  public static let ridges = [1e-4, 1e-3, 1e-2, 1e-1]
  private static let leastCondition = 1e-10

  /// A layer's new weights.
  private struct Fit {
    var weights: [Float]
    var intercept: [Float]
    var ridge: Double
    /// The weights of the inputs that stay, `[outputs, places]`.
    var solution: [Double]
  }

  /// The normal equations of the inputs that stay.
  private struct Problem {
    let moments: PatchMoments
    let places: [Int]
    let system: [Double]
    let right: [Double]
    /// The old weights, `[outputs, places]`.
    let old: [Double]

    init(_ moments: PatchMoments, weights: [Float], places: [Int]) {
      (self.moments, self.places) = (moments, places)
      system = moments.centredPatches(places)
      right = moments.centredResponses(places)
      old = (0..<moments.outputs).flatMap { output in
        places.map { Double(weights[output * moments.depth + $0]) }
      }
    }

    /// The solution; ρ grows from `ridge` on until the system is well-conditioned.
    func solve(ridge start: Double) -> Fit? {
      let size = places.count
      let mean = (0..<size).reduce(0.0) { $0 + system[$1 * size + $1] } / Double(size)
      guard mean > 0 else { return nil }
      var ridge = mean * start
      while ridge <= mean * 1e3 {
        var matrix = system
        for index in 0..<size { matrix[index * size + index] += ridge }
        let target = zip(right, old).map { $0 + ridge * $1 }
        if let factor = CholeskyFactorization(matrix, order: size),
          factor.reciprocalCondition > leastCondition
        {
          return fit(factor.solve(target, count: moments.outputs), ridge)
        }
        ridge *= 10
      }
      return nil
    }

    private func fit(_ solution: [Double], _ ridge: Double) -> Fit {
      let (depth, size, n) = (moments.depth, places.count, moments.mass)
      var weights = [Float](repeating: 0, count: moments.outputs * depth)
      var intercept = [Float](repeating: 0, count: moments.outputs)
      for output in 0..<moments.outputs {
        var constant = moments.responseSum[output] / n
        for (column, place) in places.enumerated() {
          let value = solution[output * size + column]
          weights[output * depth + place] = Float(value)
          constant -= value * moments.patchSum[place] / n
        }
        intercept[output] = Float(constant)
      }
      return Fit(weights: weights, intercept: intercept, ridge: ridge, solution: solution)
    }

    /// The relative squared errors of the old and of new weights, each with its best constant.
    func errors(_ fit: Fit) -> (before: Double, after: Double) {
      let variation = moments.responseVariation
      func error(_ w: [Double]) -> Double {
        guard variation > 0 else { return 0 }
        let residual = LeastSquaresReconstruction.residual(
          w, system, right, variation, size: places.count, outputs: moments.outputs)
        return max(0, residual) / variation
      }
      return (error(old), error(fit.solution))
    }
  }

  /// `Σ (y − ȳ − W (x − x̄))²`.
  private static func residual(
    _ w: [Double], _ system: [Double], _ right: [Double], _ variation: Double, size: Int,
    outputs: Int
  ) -> Double {
    var product = [Double](repeating: 0, count: outputs * size)
    w.withUnsafeBufferPointer { w in
      system.withUnsafeBufferPointer { system in
        product.withUnsafeMutableBufferPointer { product in
          guard let a = w.baseAddress, let b = system.baseAddress, let c = product.baseAddress
          else {
            return
          }
          MatrixProduct(rows: outputs, columns: size, depth: size)(
            a, b, into: c, pool: ThreadPool(threads: 1))
        }
      }
    }
    return w.indices.reduce(variation) { $0 + w[$1] * (product[$1] - 2 * right[$1]) }
  }
}
