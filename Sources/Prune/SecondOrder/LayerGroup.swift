import Compression
import Tensors

/// One group of a layer: the quadratic function of its weights that reconstruction minimises.
struct LayerGroup: Sendable {
  /// The weights as they are, `[outputs, depth]`.
  let weights: [Double]
  /// `Σ (y − ȳ)² / n`.
  let variation: Double
  private let depth: Int
  private let outputs: Int
  /// `Σ (x − x̄)(x − x̄)ᵀ / n`, `[depth, depth]`.
  private let gram: [Double]
  /// `Σ (y − ȳ)(x − x̄)ᵀ / n`, `[outputs, depth]`.
  private let correlation: [Double]
  private let ridge: Double
  /// The root mean square of each column.
  private let scales: [Float]
  /// Of the scaled system, ridge included: eigenvectors by row, eigenvalues and right-hand side.
  private let vectors: [Float]
  private let values: [Float]
  private let target: [Float]

  init(
    _ moments: PatchMoments, weights: [Float], fitsIntercept: Bool,
    settings: SparseReconstruction.Settings
  ) throws {
    (depth, outputs) = (moments.depth, moments.outputs)
    precondition(weights.count == outputs * depth)
    let n = max(moments.mass, 1e-300)
    let places = Array(0..<depth)
    gram = (fitsIntercept ? moments.centredPatches(places) : moments.patches).map { $0 / n }
    correlation = (fitsIntercept ? moments.centredResponses(places) : moments.responses).map {
      $0 / n
    }
    variation =
      (fitsIntercept ? moments.responseVariation : moments.responseSquares.reduce(0, +)) / n
    self.weights = weights.map(Double.init)
    let depth = depth
    let diagonal = (0..<depth).map { [gram] in max(gram[$0 * depth + $0], 0) }
    let mean = diagonal.reduce(0, +) / Double(max(depth, 1))
    // The scale of an input that never varies is very small, so its weights count for almost
    // nothing.
    ridge = mean > 0 ? mean * settings.ridge : Self.silentRidge
    let scales = diagonal.map { [ridge] in ($0 + ridge).squareRoot() }
    var system = gram
    for row in 0..<depth {
      system[row * depth + row] += ridge
      for column in 0..<depth { system[row * depth + column] /= scales[row] * scales[column] }
    }
    let decomposition = try SymmetricEigenvectors(system, order: depth)
    vectors = decomposition.vectors.map { Float($0) }
    values = decomposition.values.map { Float(max($0, 0)) }
    target = zip(correlation, self.weights).enumerated().map { [ridge] index, pair in
      Float((pair.0 + ridge * pair.1) / scales[index % depth])
    }
    self.scales = scales.map { Float($0) }
  }

  private static let silentRidge = 1e-12

  /// The scaled weights after a gradient step whose length is bounded by the largest curvature.
  func descended(_ w: [Double], pool: ThreadPool) -> [Float] {
    let scaled = w.enumerated().map { Float($1) * scales[$0 % depth] }
    var rotated = [Float](repeating: 0, count: scaled.count)
    product(scaled, vectors, into: &rotated, transposesRight: true, pool)
    for row in 0..<outputs {
      for column in 0..<depth { rotated[row * depth + column] *= values[column] }
    }
    var curved = rotated
    product(rotated, vectors, into: &curved, transposesRight: false, pool)
    let length = 1 / max(values.first ?? 1, .leastNormalMagnitude)
    return scaled.indices.map { scaled[$0] + length * (target[$0] - curved[$0]) }
  }

  /// The weights in units of their contribution to responses.
  var scaledWeights: [Float] {
    weights.enumerated().map { Float($1) * scales[$0 % depth] }
  }

  /// The scaled weights that minimise the function plus `⟨V, W⟩ + ρ/2 ‖W − D‖²`.
  func nearest(
    sparse: ArraySlice<Float>, dual: ArraySlice<Float>, penalty: Float, pool: ThreadPool
  ) -> [Float] {
    var right = target
    for (index, (d, v)) in zip(sparse, dual).enumerated() { right[index] += penalty * d - v }
    var rotated = [Float](repeating: 0, count: right.count)
    product(right, vectors, into: &rotated, transposesRight: true, pool)
    for row in 0..<outputs {
      for column in 0..<depth { rotated[row * depth + column] /= values[column] + penalty }
    }
    product(rotated, vectors, into: &right, transposesRight: false, pool)
    return right
  }

  private func product(
    _ a: [Float], _ b: [Float], into c: inout [Float], transposesRight: Bool, _ pool: ThreadPool
  ) {
    let product = MatrixProduct(
      rows: outputs, columns: depth, depth: depth, transposesRight: transposesRight)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          product(a, b, into: c, pool: pool)
        }
      }
    }
  }

  /// The exact least-squares solution of each output on the weights that stay.
  func leastSquares(_ stays: [Bool], pool: ThreadPool) -> [Double] {
    var result = [Double](repeating: 0, count: weights.count)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let target = result
      pool.forEach(outputs) { row in
        let places = (0..<depth).filter { stays[row * depth + $0] }
        guard !places.isEmpty else { return }
        var system = [Double](repeating: 0, count: places.count * places.count)
        for (a, place) in places.enumerated() {
          for (b, other) in places.enumerated() {
            system[a * places.count + b] = gram[place * depth + other]
          }
          system[a * places.count + a] += ridge
        }
        let right = places.map {
          correlation[row * depth + $0] + ridge * weights[row * depth + $0]
        }
        guard let factor = CholeskyFactorization(system, order: places.count) else {
          for place in places { target[row * depth + place] = weights[row * depth + place] }
          return
        }
        for (place, value) in zip(places, factor.solve(right, count: 1)) {
          target[row * depth + place] = value
        }
      }
    }
    return result
  }

  /// `Σ (y − ȳ − W (x − x̄))² / n`.
  func residual(_ w: [Double], pool: ThreadPool) -> Double {
    var product = [Double](repeating: 0, count: w.count)
    w.withUnsafeBufferPointer { w in
      gram.withUnsafeBufferPointer { gram in
        product.withUnsafeMutableBufferPointer { product in
          guard let a = w.baseAddress, let b = gram.baseAddress, let c = product.baseAddress
          else { return }
          MatrixProduct(rows: outputs, columns: depth, depth: depth)(a, b, into: c, pool: pool)
        }
      }
    }
    return w.indices.reduce(variation) { $0 + w[$1] * (product[$1] - 2 * correlation[$1]) }
  }
}
