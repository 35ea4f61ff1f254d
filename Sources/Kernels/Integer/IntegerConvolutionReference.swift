extension IntegerConvolution {
  /// The plain twin of ``run(input:isSigned:zeroPoint:to:scratch:pool:)``: int32 sums, loop by
  /// loop.
  ///
  /// - Parameters:
  ///   - input: `[N, I, H, W]`.
  ///   - weights: `[O, I / groups, kH, kW]`.
  ///   - weightZeroPoints: one for all output channels or one each.
  /// - Returns: `[N, O, H′, W′]`.
  public static func reference(
    _ geometry: ConvolutionGeometry, input: [Int32], inputZeroPoint: Int32, weights: [Int32],
    weightZeroPoints: [Int32]
  ) -> [Int32] {
    let g = geometry
    var output: [Int32] = []
    let channels = g.inputChannels / g.groups
    for image in 0..<g.batch {
      for channel in 0..<g.outputChannels {
        let group = channel / (g.outputChannels / g.groups)
        let zero = weightZeroPoints[weightZeroPoints.count == 1 ? 0 : channel]
        for y in 0..<g.outputHeight {
          for x in 0..<g.outputWidth {
            var sum: Int32 = 0
            for c in 0..<channels {
              for tapY in 0..<g.kernelHeight {
                for tapX in 0..<g.kernelWidth {
                  let row = y * g.strideHeight + tapY * g.dilationHeight - g.padTop
                  let column = x * g.strideWidth + tapX * g.dilationWidth - g.padLeft
                  guard row >= 0, row < g.inputHeight, column >= 0, column < g.inputWidth else {
                    continue
                  }
                  let plane = image * g.inputChannels + group * channels + c
                  let value = input[(plane * g.inputHeight + row) * g.inputWidth + column]
                  let filter = channel * channels + c
                  let weight = weights[
                    (filter * g.kernelHeight + tapY) * g.kernelWidth + tapX]
                  sum &+= (value - inputZeroPoint) &* (weight - zero)
                }
              }
            }
            output.append(sum)
          }
        }
      }
    }
    return output
  }
}
