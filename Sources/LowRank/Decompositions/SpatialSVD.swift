import Tensors

extension LowRankMethod {
  /// A column filter, then a row filter: `W[o, i, y, x] ≈ Σₖ V[k, i, y] H[o, k, x]`.
  ///
  /// The unfolding `[I·kH, O·kW]` is decomposed. V `[r, I, kH, 1]` has the layer's window along the
  /// rows, and H `[O, r, 1, kW]` has it along the columns.
  ///
  /// Reference: Jaderberg, Vedaldi and Zisserman, *Speeding up Convolutional Neural Networks with
  /// Low Rank Expansions*, BMVC 2014, arXiv:1405.3866 (scheme 2); Tai et al., *Convolutional Neural
  /// Networks with Low-rank Regularization*, ICLR 2016, arXiv:1511.06067 (its solution in closed
  /// form, and the normalisation between both, see ``FactorizedNetwork/between``).
  public static let spatialSVD = LowRankMethod(
    name: "spatial-svd", summary: "a k×1 and a 1×k convolution",
    refusal: windowRefusal("spatial-svd", axes: 2),
    factorization: { layer, _ in
      let (outputs, inputs) = (layer.outputs, layer.inputs)
      let (height, width) = (layer.kernel[0], layer.kernel[1])
      var unfolding = [Float](repeating: 0, count: layer.parameters)
      for o in 0..<outputs {
        for i in 0..<inputs {
          for y in 0..<height {
            for x in 0..<width {
              unfolding[(i * height + y) * outputs * width + o * width + x] =
                layer.matrix[((o * inputs + i) * height + y) * width + x]
            }
          }
        }
      }
      return SpectralFactorization(
        factors: try SingularFactors(unfolding, rows: inputs * height, columns: outputs * width),
        shape: { rank in
          [
            .windowed("vertical", rank, inputs, kernel: layer.kernel, axes: [0]),
            .windowed("horizontal", outputs, rank, kernel: layer.kernel, axes: [1]),
          ]
        },
        split: { left, right, rank in
          let vertical = (0..<rank).flatMap { k in
            (0..<inputs * height).map { left[$0 * rank + k] }
          }
          let horizontal = (0..<outputs).flatMap { o in
            (0..<rank).flatMap { k -> ArraySlice<Float> in
              let start = (k * outputs + o) * width
              return right[start..<start + width]
            }
          }
          return [vertical, horizontal]
        })
    })
}
