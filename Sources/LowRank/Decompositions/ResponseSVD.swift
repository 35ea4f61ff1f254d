import Tensors

extension LowRankMethod {
  /// Fewer filters of the same kernel, then a convolution of kernel 1, chosen to keep most of the
  /// layer's *responses*.
  ///
  /// `W ≈ U_r (U_rᵀ W)`, where U_r `[O, r]` are the principal components of the responses.
  ///
  /// Reference: Zhang, Zou, He and Sun, *Accelerating Very Deep Convolutional Networks for
  /// Classification and Detection*, TPAMI 2016, arXiv:1505.06798, section 3.1. Deviations: the
  /// constant `ȳ − U_r U_rᵀ ȳ` and the asymmetric reconstruction (section 3.3) are left to the
  /// least-squares correction that follows all methods. The nonlinearity behind the layer (section
  /// 3.2) is ignored.
  public static let responseSVD = LowRankMethod(
    name: "response-svd",
    summary:
      "fewer filters chosen by their responses to calibration images, then a 1×1 convolution",
    needsResponses: true,
    refusal: { _ in nil },
    factorization: { layer, context in
      try ResponseFactorization(layer, context.responses)
    })
}

/// Principal components of a layer's responses.
private struct ResponseFactorization: Factorization {
  let layer: FactorizableLayer
  let components: SymmetricEigenvectors

  init(_ layer: FactorizableLayer, _ responses: ResponseMoments?) throws {
    self.layer = layer
    // Without responses all directions count alike, so the components are those of the weights.
    guard let responses else {
      components = try Unfolding.modes(
        layer.matrix, rows: layer.outputs, columns: layer.inputs * layer.kernelCount)
      return
    }
    components = try SymmetricEigenvectors(responses.covariance, order: layer.outputs)
  }

  var ranks: [[Int]] { (1...layer.outputs).map { [$0] } }
  var spectra: [[Double]] { [components.values.map { max($0, 0).squareRoot() }] }

  /// The least rank that keeps 99 % of the responses' variance.
  func automaticRank() -> [Int] {
    let values = components.values.map { max($0, 0) }
    let total = values.reduce(0, +)
    var sum = 0.0
    for (index, value) in values.enumerated() {
      sum += value
      if sum >= 0.99 * total { return [index + 1] }
    }
    return [layer.outputs]
  }

  func stages(_ rank: [Int]) -> [FactorStage] {
    LowRankMethod.filtersThenPointwise(layer, rank[0])
  }

  /// The part of the responses' standard deviation that is lost.
  func reconstructionError(_ rank: [Int]) -> Double {
    let values = components.values.map { max($0, 0) }
    let total = values.reduce(0, +)
    return total == 0 || rank[0] >= values.count
      ? 0 : (values.dropFirst(rank[0]).reduce(0, +) / total).squareRoot()
  }

  func factors(_ rank: [Int]) -> LayerFactors {
    let (outputs, rank) = (layer.outputs, rank[0])
    let columns = layer.inputs * layer.kernelCount
    let basis = components.vectors.prefix(rank * outputs).map(Float.init)
    var filters = [Float](repeating: 0, count: rank * columns)
    MatrixProduct(rows: rank, columns: columns, depth: outputs)(
      basis, layer.matrix, into: &filters, pool: ThreadPool(threads: 1))
    let expand = (0..<outputs).flatMap { output in (0..<rank).map { basis[$0 * outputs + output] } }
    return LayerFactors(stages([rank]), weights: [filters, expand])
  }

  func exactFactors() -> LayerFactors { factors([layer.outputs]) }
}
