import Kernels

/// Convolutions by their definition, the plain twin of all kernels.
enum ConvolutionTwin {
  /// Visits every product of a convolution: output element, input element, weight.
  static func forEachProduct(_ g: ConvolutionGeometry, _ body: (Int, Int, Int) -> Void) {
    let (inputs, outputs) = (g.inputChannels / g.groups, g.outputChannels / g.groups)
    for image in 0..<g.batch {
      for output in 0..<g.outputChannels {
        for input in 0..<inputs {
          for pixel in 0..<g.outputHeight * g.outputWidth {
            for tap in 0..<g.kernelHeight * g.kernelWidth {
              let (y, x) = pixel.quotientAndRemainder(dividingBy: g.outputWidth)
              let (tapRow, tapColumn) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
              let row = y * g.strideHeight + tapRow * g.dilationHeight - g.padTop
              let column = x * g.strideWidth + tapColumn * g.dilationWidth - g.padLeft
              guard (0..<g.inputHeight).contains(row), (0..<g.inputWidth).contains(column) else {
                continue
              }
              let channel = output / outputs * inputs + input
              body(
                (image * g.outputChannels + output) * g.outputHeight * g.outputWidth + pixel,
                ((image * g.inputChannels + channel) * g.inputHeight + row) * g.inputWidth + column,
                (output * inputs + input) * g.kernelHeight * g.kernelWidth + tap)
            }
          }
        }
      }
    }
  }

  /// The elements of the input, the output and the weights.
  static func counts(_ g: ConvolutionGeometry) -> (x: Int, y: Int, w: Int) {
    (
      g.batch * g.inputChannels * g.inputHeight * g.inputWidth,
      g.batch * g.outputChannels * g.outputHeight * g.outputWidth,
      g.outputChannels * g.inputChannels / g.groups * g.kernelHeight * g.kernelWidth
    )
  }

  /// `bias + x ⋆ w`, in double precision.
  static func convolved(
    _ g: ConvolutionGeometry, _ x: [Float], _ w: [Float], _ bias: [Float]
  ) -> [Double] {
    let plane = g.outputHeight * g.outputWidth
    var y = (0..<counts(g).y).map { Double(bias[$0 / plane % g.outputChannels]) }
    forEachProduct(g) { y[$0] += Double(x[$1]) * Double(w[$2]) }
    return y
  }
}
