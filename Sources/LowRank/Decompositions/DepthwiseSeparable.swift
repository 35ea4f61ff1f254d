import Tensors

extension LowRankMethod {
  /// A few filters for each input channel alone, then a convolution of kernel 1:
  /// `W[o, i, ·] ≈ Σⱼ P[o, i, j] D[i, j, ·]`.
  ///
  /// The slice `[O, kH·kW]` of each input channel is approximated by its first m singular vectors.
  /// The rank is m, the depth multiplier. With calibration images, P is then refitted to the
  /// layer's responses.
  ///
  /// Reference: Guo et al., *Network Decoupling: From Regular to Depthwise Separable Convolutions*,
  /// BMVC 2018, arXiv:1808.05517, the theorem of section 3.2. The layers have the form of
  /// MobileNet's (Howard et al., arXiv:1704.04861), which are trained from scratch.
  public static let depthwiseSeparable = LowRankMethod(
    name: "depthwise-separable", summary: "a k×k depthwise and a 1×1 convolution, fitted",
    ranksAreWidths: false,
    refusal: windowRefusal("depthwise-separable"),
    factorization: { layer, _ in try SeparableFactorization(layer) })
}

/// The singular vectors of each input channel's slice.
private struct SeparableFactorization: Factorization {
  let layer: FactorizableLayer
  let slices: [SingularFactors]

  init(_ layer: FactorizableLayer) throws {
    self.layer = layer
    let (o, i, k) = (layer.outputs, layer.inputs, layer.kernelCount)
    slices = try (0..<i).map { channel in
      let slice = (0..<o).flatMap { output -> ArraySlice<Float> in
        let start = (output * i + channel) * k
        return layer.matrix[start..<start + k]
      }
      return try SingularFactors(slice, rows: o, columns: k)
    }
  }

  var ranks: [[Int]] { (1...min(layer.outputs, layer.kernelCount)).map { [$0] } }

  /// The singular values of all channels' slices, with their squares summed by index.
  var spectra: [[Double]] {
    [
      (0..<(slices.first?.count ?? 0)).map { place in
        slices.reduce(0) { $0 + $1.values[place] * $1.values[place] }.squareRoot()
      }
    ]
  }

  /// One filter for each channel, as in MobileNet.
  func automaticRank() -> [Int] { [1] }

  func stages(_ rank: [Int]) -> [FactorStage] {
    let (axes, wide) = (layer.kernel.count, layer.inputs * rank[0])
    return [
      .windowed(
        "depthwise", wide, layer.inputs, kernel: layer.kernel, axes: Array(0..<axes),
        groups: layer.inputs),
      .pointwise("pointwise", layer.outputs, wide, axes: axes),
    ]
  }

  func reconstructionError(_ rank: [Int]) -> Double {
    let energies = slices.map { $0.values.map { $0 * $0 } }
    let total = energies.reduce(0) { $0 + $1.reduce(0, +) }
    let lost = energies.reduce(0) { $0 + $1.dropFirst(rank[0]).reduce(0, +) }
    return total == 0 ? 0 : (lost / total).squareRoot()
  }

  func factors(_ rank: [Int]) -> LayerFactors {
    let m = rank[0]
    let parts = slices.map { $0.balanced(rank: m) }
    let pointwise = (0..<layer.outputs).flatMap { o in
      parts.flatMap { $0.left[o * m..<(o + 1) * m] }
    }
    return LayerFactors(stages(rank), weights: [parts.flatMap(\.right), pointwise])
  }

  func exactFactors() -> LayerFactors { factors([min(layer.outputs, layer.kernelCount)]) }
}
