import Tensors

/// Weights on a subset S of input channels that reproduce the response of all channels.
///
/// They solve `min ‖Y − X_S W − b‖² + ρ ‖W − W₀‖²`.
///
/// The solution is by the normal equations. ρ starts at a small part of the mean variance of the
/// inputs, and grows tenfold until the system is well-conditioned. So weights in directions that
/// the positions do not determine stay as they were.
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
  ///   - weights: The old weights, `[outputs, channels · kernel]`.
  ///   - kept: The input channels that stay.
  /// - Returns: `nil` when there are no positions or nothing stays.
  public init?(_ moments: PatchMoments, weights: [Float], channels: Int, keeping kept: [Int]) {
    let (depth, outputs) = (moments.depth, moments.outputs)
    precondition(weights.count == outputs * depth && depth % channels == 0)
    let kernel = depth / channels
    let places = kept.flatMap { channel in (0..<kernel).map { channel * kernel + $0 } }
    guard moments.count > 1, !places.isEmpty else { return nil }
    let system = moments.centredPatches(places)
    let right = moments.centredResponses(places)
    let size = places.count
    let old = (0..<outputs).flatMap { output in
      places.map { Double(weights[output * depth + $0]) }
    }
    let mean = (0..<size).reduce(0.0) { $0 + system[$1 * size + $1] } / Double(size)
    guard mean > 0 else { return nil }
    var solution: [Double]?
    var ridge = mean * Self.leastRidge
    while solution == nil, ridge <= mean * 1e3 {
      var matrix = system
      for index in 0..<size { matrix[index * size + index] += ridge }
      let target = zip(right, old).map { $0 + ridge * $1 }
      if let factor = CholeskyFactorization(matrix, order: size),
        factor.reciprocalCondition > Self.leastCondition
      {
        solution = factor.solve(target, count: outputs)
      } else {
        ridge *= 10
      }
    }
    guard let solution else { return nil }
    let variation = moments.responseVariation
    func error(_ w: [Double]) -> Double {
      variation > 0
        ? max(0, Self.residual(w, system, right, variation, size: size, outputs: outputs))
          / variation
        : 0
    }
    let errors = (error(old), error(solution))
    var result = [Float](repeating: 0, count: outputs * depth)
    var intercept = [Float](repeating: 0, count: outputs)
    let n = Double(moments.count)
    for output in 0..<outputs {
      var constant = moments.responseSum[output] / n
      for (column, place) in places.enumerated() {
        let value = solution[output * size + column]
        result[output * depth + place] = Float(value)
        constant -= value * moments.patchSum[place] / n
      }
      intercept[output] = Float(constant)
    }
    (self.weights, self.intercept, self.ridge) = (result, intercept, ridge)
    (errorBefore, errorAfter) = errors
  }

  private static let leastRidge = 1e-4
  private static let leastCondition = 1e-10

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
