import Tensors

extension FactorizableLayer {
  /// `‖W − Ŵ‖ / ‖W‖`, where Ŵ is the product of the stages.
  public func error(of factors: LayerFactors) -> Double {
    let norm = norm
    guard norm > 0 else { return 0 }
    let product = multipliedOut(factors)
    let rest = zip(matrix, product).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return rest.squareRoot() / norm
  }

  /// The weights `[O, I, kernel…]` of one layer that computes what the stages compute.
  public func multipliedOut(_ factors: LayerFactors) -> [Float] {
    // The response of the stages so far to input channel i, at each position of the kernel that
    // they cover.
    var kernel = Array(repeating: 1, count: self.kernel.count)
    var response = [Float](repeating: 0, count: inputs * inputs)
    for (place, channel) in (factors.inputOrder ?? Array(0..<inputs)).enumerated() {
      response[place * inputs + channel] = 1
    }
    for (stage, weights) in zip(factors.stages, factors.weights) {
      response = apply(stage, weights, to: response, kernel: kernel)
      kernel = zip(kernel, stage.kernel).map { $0 * $1 }
    }
    guard let order = factors.outputOrder else { return response }
    let row = response.count / outputs
    return order.flatMap { response[$0 * row..<($0 + 1) * row] }
  }

  /// Applies one stage after others: `[channels, I, positions]` to
  /// `[outputs, I, positions · own positions]`.
  ///
  /// A stage covers axes that no earlier one covers, so positions multiply and never overlap.
  private func apply(
    _ stage: FactorStage, _ weights: [Float], to x: [Float], kernel: [Int]
  ) -> [Float] {
    let (own, before) = (stage.kernel.reduce(1, *), kernel.reduce(1, *))
    let part = stage.inputs / stage.groups
    let share = stage.outputs / stage.groups
    let width = inputs * before
    var result = [Float](repeating: 0, count: stage.outputs * width * own)
    let pool = ThreadPool(threads: 1)
    // [own positions, outputs of a group, inputs of a group]: each position is a separate product.
    for group in 0..<stage.groups {
      let source = Array(x[group * part * width..<(group + 1) * part * width])
      for place in 0..<own {
        let matrix = (0..<share * part).map { weights[(group * share * part + $0) * own + place] }
        var product = [Float](repeating: 0, count: share * width)
        MatrixProduct(rows: share, columns: width, depth: part)(
          matrix, source, into: &product, pool: pool)
        for output in 0..<share {
          for column in 0..<width {
            let input = column / before
            let target = combined(column % before, kernel, place, stage.kernel)
            let row = (group * share + output) * inputs + input
            result[row * before * own + target] = product[output * width + column]
          }
        }
      }
    }
    return result
  }

  /// The position in the combined kernel for a position in the first kernel and one in the second.
  private func combined(_ first: Int, _ a: [Int], _ second: Int, _ b: [Int]) -> Int {
    var (first, second, stride, result) = (first, second, 1, 0)
    for axis in a.indices.reversed() {
      result += (first % a[axis] * b[axis] + second % b[axis]) * stride
      (first, second) = (first / a[axis], second / b[axis])
      stride *= a[axis] * b[axis]
    }
    return result
  }
}
