import Tensors

extension LowRankMethod {
  /// Two thin matrices or convolutions of kernel 1 in place of one: `W ≈ A B`, A `[O, r]`, B
  /// `[r, I]`.
  ///
  /// Reference: Eckart and Young, *The approximation of one matrix by another of lower rank*,
  /// Psychometrika 1, 1936; Denton et al., *Exploiting Linear Structure Within Convolutional
  /// Networks*, NIPS 2014, arXiv:1404.0736. Deviation: the singular values are shared by both
  /// factors.
  public static let svd = LowRankMethod(
    name: "svd", summary: "two thin ones for a 1×1 convolution or product",
    refusal: {
      $0.kernelCount == 1 ? nil : "svd is for kernels of 1; spatial-svd takes larger ones"
    },
    factorization: { layer, _ in
      let axes = layer.kernel.count
      return SpectralFactorization(
        factors: try SingularFactors(layer.matrix, rows: layer.outputs, columns: layer.inputs),
        shape: { rank in
          // A stride belongs to the first stage, so that the second sees fewer positions.
          [
            .windowed("reduce", rank, layer.inputs, kernel: layer.kernel, axes: Array(0..<axes)),
            .pointwise("expand", layer.outputs, rank, axes: axes),
          ]
        }, split: { left, right, _ in [right, left] })
    })
}
