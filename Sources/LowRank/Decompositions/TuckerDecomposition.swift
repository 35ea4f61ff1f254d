import Tensors

extension LowRankMethod {
  /// A convolution of kernel 1, one of the layer's kernel on fewer channels, and one of kernel 1:
  /// `W[o, i, ·] ≈ Σ U[o, p] C[p, q, ·] V[i, q]`.
  ///
  /// A rank has two numbers, p and q. They are proportional to O and I, unless energy or
  /// variational Bayes choose them separately.
  ///
  /// Reference: Kim et al., *Compression of Deep Convolutional Neural Networks for Fast and Low
  /// Power Mobile Applications*, ICLR 2016, arXiv:1511.06530 (Tucker-2); started by HOSVD and
  /// refined by HOOI (De Lathauwer, De Moor and Vandewalle, SIAM J. Matrix Anal. Appl. 21, 2000).
  public static let tucker = LowRankMethod(
    name: "tucker", summary: "1×1, k×k on fewer channels, 1×1",
    refusal: windowRefusal("tucker"),
    factorization: { layer, context in
      try TuckerFactorization(layer, sweeps: min(context.iterations, 10))
    })
}

/// The Tucker-2 decomposition of a filter bank `[O, I, K]`, K all kernel positions.
private struct TuckerFactorization: Factorization {
  let layer: FactorizableLayer
  let sweeps: Int
  /// Eigenvectors of `Σ W[o, …] W[o′, …]`.
  let outputModes: SymmetricEigenvectors
  /// Eigenvectors of `Σ W[…, i, …] W[…, i′, …]`.
  let inputModes: SymmetricEigenvectors

  init(_ layer: FactorizableLayer, sweeps: Int) throws {
    (self.layer, self.sweeps) = (layer, sweeps)
    outputModes = try Unfolding.modes(
      layer.matrix, rows: layer.outputs, columns: layer.inputs * layer.kernelCount)
    inputModes = try Unfolding.modes(
      Unfolding.swapped(layer.matrix, layer.outputs, layer.inputs, layer.kernelCount),
      rows: layer.inputs, columns: layer.outputs * layer.kernelCount)
  }

  var spectra: [[Double]] {
    [outputModes, inputModes].map { $0.values.map { max($0, 0).squareRoot() } }
  }

  /// Both ranks in proportion to the channels.
  var ranks: [[Int]] {
    let most = max(layer.outputs, layer.inputs)
    func part(_ extent: Int, _ step: Int) -> Int { max(1, (extent * step + most - 1) / most) }
    var result: [[Int]] = []
    for step in 1...most {
      let rank = [part(layer.outputs, step), part(layer.inputs, step)]
      if rank != result.last { result.append(rank) }
    }
    return result
  }

  /// The ranks of both unfoldings by variational Bayes, see ``VariationalBayesRank``.
  func automaticRank() -> [Int] {
    let kernel = layer.kernelCount
    return [
      VariationalBayesRank.rank(
        spectra[0], rows: layer.outputs, columns: layer.inputs * kernel),
      VariationalBayesRank.rank(
        spectra[1], rows: layer.inputs, columns: layer.outputs * kernel),
    ].map { max(1, $0) }
  }

  func stages(_ rank: [Int]) -> [FactorStage] {
    let axes = layer.kernel.count
    return [
      .pointwise("reduce", rank[1], layer.inputs, axes: axes),
      .windowed("core", rank[0], rank[1], kernel: layer.kernel, axes: Array(0..<axes)),
      .pointwise("expand", layer.outputs, rank[0], axes: axes),
    ]
  }

  func reconstructionError(_ rank: [Int]) throws -> Double {
    let norm = layer.norm
    guard norm > 0 else { return 0 }
    let core = try decompose(rank).core.reduce(0) { $0 + Double($1) * Double($1) }
    return max(0, 1 - core / (norm * norm)).squareRoot()
  }

  func factors(_ rank: [Int]) throws -> LayerFactors {
    let (core, outputs, inputs) = try decompose(rank)
    let expand = (0..<layer.outputs).flatMap { o in
      (0..<rank[0]).map { outputs[$0 * layer.outputs + o] }
    }
    return LayerFactors(stages(rank), weights: [inputs, core, expand])
  }

  func exactFactors() throws -> LayerFactors { try factors([layer.outputs, layer.inputs]) }

  /// The core `[p, q, K]` and the bases `[p, O]` and `[q, I]`, their rows orthonormal.
  private func decompose(
    _ rank: [Int]
  ) throws -> (core: [Float], outputs: [Float], inputs: [Float]) {
    let (o, i, k) = (layer.outputs, layer.inputs, layer.kernelCount)
    let (p, q) = (rank[0], rank[1])
    var outputs = outputModes.vectors.prefix(p * o).map(Float.init)
    var inputs = inputModes.vectors.prefix(q * i).map(Float.init)
    let pool = ThreadPool(threads: 1)
    let weights = Unfolding.swapped(layer.matrix, o, i, k)
    var halfway = [Float](repeating: 0, count: q * o * k)
    for _ in 0..<(p == o && q == i ? 1 : sweeps) {
      // [q, O·K] = V [q, I] · W [I, O·K].
      MatrixProduct(rows: q, columns: o * k, depth: i)(inputs, weights, into: &halfway, pool: pool)
      if p < o {
        outputs = try Unfolding.modes(Unfolding.swapped(halfway, q, o, k), rows: o, columns: q * k)
          .vectors.prefix(p * o).map(Float.init)
      }
      guard q < i else { break }
      var other = [Float](repeating: 0, count: p * i * k)
      MatrixProduct(rows: p, columns: i * k, depth: o)(
        outputs, layer.matrix, into: &other, pool: pool)
      inputs = try Unfolding.modes(Unfolding.swapped(other, p, i, k), rows: i, columns: p * k)
        .vectors.prefix(q * i).map(Float.init)
    }
    MatrixProduct(rows: q, columns: o * k, depth: i)(inputs, weights, into: &halfway, pool: pool)
    var core = [Float](repeating: 0, count: p * q * k)
    MatrixProduct(rows: p, columns: q * k, depth: o)(
      outputs, Unfolding.swapped(halfway, q, o, k), into: &core, pool: pool)
    return (core, outputs, inputs)
  }
}
