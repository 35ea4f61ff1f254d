import Tensors

extension LowRankMethod {
  /// Four thin stages: a convolution of kernel 1, a column and a row filter on each component
  /// alone, and a convolution of kernel 1.
  ///
  /// Components that cancel each other (an intensity above ``CPFactorization/tolerableIntensity``)
  /// are corrected without loss of accuracy. The norm of each component is shared by its four
  /// factors. See ``CPDecomposition``.
  public static let cp = LowRankMethod(
    name: "cp", summary: "1×1, k×1 and 1×k depthwise, 1×1",
    refusal: windowRefusal("cp", axes: 2),
    factorization: { layer, context in CPFactorization(layer: layer, context: context) })
}

/// The canonical polyadic decomposition of one layer at any rank.
struct CPFactorization: Factorization {
  let layer: FactorizableLayer
  let context: FactorizationContext

  /// The largest tolerable ``CPDecomposition/intensity``.
  ///
  /// Above it, components are considered to cancel each other: their squared norms sum up to more
  /// than its square times the tensor's squared norm.
  static let tolerableIntensity = 2.0

  private var shape: [Int] { [layer.outputs, layer.inputs] + layer.kernel }

  /// Ranks up to the one at which the factors have as many weights as the layer.
  var ranks: [[Int]] {
    let perRank = layer.outputs + layer.inputs + layer.kernel.reduce(0, +)
    return (1...max(1, layer.parameters / perRank)).map { [$0] }
  }

  var spectra: [[Double]] { [] }

  /// The larger of the ranks by variational Bayes of the unfoldings by output and by input
  /// channels.
  ///
  /// Reference: Astrid and Lee, *CP-decomposition with Tensor Power Method for Convolutional Neural
  /// Networks Compression*, BigComp 2017, arXiv:1701.07148.
  func automaticRank() throws -> [Int] {
    let tucker = try LowRankMethod.tucker.factorization(layer, context).automaticRank()
    return [tucker.max() ?? 1]
  }

  func stages(_ rank: [Int]) -> [FactorStage] {
    let r = rank[0]
    return [
      .pointwise("reduce", r, layer.inputs, axes: 2),
      .windowed("vertical", r, r, kernel: layer.kernel, axes: [0], groups: r),
      .windowed("horizontal", r, r, kernel: layer.kernel, axes: [1], groups: r),
      .pointwise("expand", layer.outputs, r, axes: 2),
    ]
  }

  /// The error after a few sweeps from the singular vectors.
  ///
  /// The error of ``factors(_:)`` is not larger.
  func reconstructionError(_ rank: [Int]) throws -> Double {
    try CPDecomposition(
      layer.matrix, shape: shape, rank: rank[0], iterations: min(context.iterations, 15)
    ).reconstructionError
  }

  func factors(_ rank: [Int]) throws -> LayerFactors {
    var best = try CPDecomposition.best(
      layer.matrix, shape: shape, rank: rank[0], iterations: context.iterations,
      starts: context.starts, seed: context.seed)
    if best.intensity > Self.tolerableIntensity { try best.correct(layer.matrix) }
    return stages(rank, best.factors)
  }

  private func stages(_ rank: [Int], _ factors: [[Double]]) -> LayerFactors {
    let r = rank[0]
    // Columns of all but the first factor have norm 1. Each stage gets the fourth root of the
    // component's norm.
    let roots = (0..<r).map { k in
      (0..<layer.outputs).reduce(0.0) { $0 + factors[0][$1 * r + k] * factors[0][$1 * r + k] }
        .squareRoot().squareRoot().squareRoot()
    }
    func columns(_ axis: Int, _ extent: Int) -> [Float] {
      (0..<r).flatMap { k in (0..<extent).map { Float(factors[axis][$0 * r + k] * roots[k]) } }
    }
    let expand = (0..<layer.outputs).flatMap { o in
      (0..<r).map { k -> Float in
        let cube = roots[k] * roots[k] * roots[k]
        return cube > 0 ? Float(factors[0][o * r + k] / cube) : 0
      }
    }
    return LayerFactors(
      stages(rank),
      weights: [
        columns(1, layer.inputs), columns(2, layer.kernel[0]), columns(3, layer.kernel[1]), expand,
      ])
  }

  /// One component for each singular vector of each position of the kernel.
  func exactFactors() throws -> LayerFactors {
    let (o, i, h, w) = (layer.outputs, layer.inputs, layer.kernel[0], layer.kernel[1])
    let (each, positions) = (min(o, i), h * w)
    let rank = each * positions
    var factors = [o, i, h, w].map { [Double](repeating: 0, count: $0 * rank) }
    for place in 0..<positions {
      let slice = (0..<o * i).map { layer.matrix[$0 * positions + place] }
      let (left, right) = try SingularFactors(slice, rows: o, columns: i).balanced(rank: each)
      for k in 0..<each {
        let component = place * each + k
        for row in 0..<o { factors[0][row * rank + component] = Double(left[row * each + k]) }
        for row in 0..<i { factors[1][row * rank + component] = Double(right[k * i + row]) }
        factors[2][place / w * rank + component] = 1
        factors[3][place % w * rank + component] = 1
      }
    }
    // The norms need not be shared here, because the factors are exact anyway.
    return stages([rank], factors)
  }
}
