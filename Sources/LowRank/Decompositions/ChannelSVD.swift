import Tensors

extension LowRankMethod {
  /// Fewer filters of the same kernel, then a convolution of kernel 1: `W ≈ A B`, B
  /// `[r, I, kH, kW]`, A `[O, r]`.
  ///
  /// Reference: Zhang, Zou, He and Sun, *Accelerating Very Deep Convolutional Networks for
  /// Classification and Detection*, TPAMI 2016, arXiv:1505.06798, the factorisation without data,
  /// which is the baseline of section 3.1.
  public static let channelSVD = LowRankMethod(
    name: "channel-svd", summary: "fewer filters, then a 1×1 convolution",
    refusal: windowRefusal("channel-svd"),
    factorization: { layer, _ in
      SpectralFactorization(
        factors: try SingularFactors(
          layer.matrix, rows: layer.outputs, columns: layer.inputs * layer.kernelCount),
        shape: { filtersThenPointwise(layer, $0) }, split: { left, right, _ in [right, left] })
    })

  /// Refuses all layers except convolutions whose kernel is larger than 1.
  static func windowRefusal(
    _ name: String, axes: Int? = nil
  ) -> @Sendable (FactorizableLayer) -> String? {
    { layer in
      if layer.kind == .product || layer.kernelCount == 1 {
        return "\(name) is for kernels larger than 1; svd takes those of 1"
      }
      if let axes, layer.kernel.count != axes { return "\(name) is for \(axes) spatial axes" }
      return nil
    }
  }

  static func filtersThenPointwise(_ layer: FactorizableLayer, _ rank: Int) -> [FactorStage] {
    let axes = layer.kernel.count
    return [
      .windowed("filters", rank, layer.inputs, kernel: layer.kernel, axes: Array(0..<axes)),
      .pointwise("expand", layer.outputs, rank, axes: axes),
    ]
  }
}
