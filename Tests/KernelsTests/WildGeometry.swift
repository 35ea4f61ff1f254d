import Kernels
import TestSupport

/// Seeded convolutions of every shape that a file may hold, sensible or not.
enum WildGeometry {
  /// Multiply–accumulates that the plain twins do in a moment.
  private static let most = 60_000

  /// The convolution that a seed stands for.
  static func geometry(_ seed: Int) -> ConvolutionGeometry {
    var random = SplitMix64(seed: UInt64(seed))
    while true {
      let geometry = draw(&random)
      if isSound(geometry), geometry.macs <= most { return geometry }
    }
  }

  /// The same, but without what networks do not train with: padding beyond the kernel, strides
  /// together with dilations.
  static func tamed(_ seed: Int) -> ConvolutionGeometry {
    var random = SplitMix64(seed: UInt64(seed))
    while true {
      var g = draw(&random)
      if g.strideHeight > 1 || g.strideWidth > 1 { (g.dilationHeight, g.dilationWidth) = (1, 1) }
      let (down, across) = (
        (g.kernelHeight - 1) * g.dilationHeight, (g.kernelWidth - 1) * g.dilationWidth
      )
      (g.padTop, g.padBottom) = (min(g.padTop, down), min(g.padBottom, down))
      (g.padLeft, g.padRight) = (min(g.padLeft, across), min(g.padRight, across))
      if isSound(g), g.macs <= most { return g }
    }
  }

  private static func isSound(_ g: ConvolutionGeometry) -> Bool {
    g.inputHeight + g.padTop + g.padBottom > (g.kernelHeight - 1) * g.dilationHeight
      && g.inputWidth + g.padLeft + g.padRight > (g.kernelWidth - 1) * g.dilationWidth
  }

  private static func draw(_ random: inout SplitMix64) -> ConvolutionGeometry {
    func pick(_ numbers: [Int]) -> Int { numbers[Int.random(in: numbers.indices, using: &random)] }
    /// Small numbers for the most part, seldom large ones.
    func pad() -> Int { pick([0, 0, 0, 1, 1, 2, 3, 4, 7, 11, 18]) }
    func axis() -> (extent: Int, kernel: Int, stride: Int, dilation: Int) {
      (
        pick([0, 1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 33, 49]),
        pick([1, 1, 1, 2, 3, 3, 4, 5, 7, 9]),
        pick([1, 1, 1, 2, 2, 3, 5, 9]), pick([1, 1, 1, 2, 3, 6])
      )
    }
    var (rows, columns) = (axis(), axis())
    // Square kernels and steps have paths of their own.
    if Bool.random(using: &random) {
      (columns.kernel, columns.stride, columns.dilation) = (rows.kernel, rows.stride, rows.dilation)
    }
    let isDepthwise = Int.random(in: 0..<3, using: &random) == 0
    let groups = isDepthwise ? pick([2, 3, 7]) : pick([1, 1, 1, 2, 3])
    let channels =
      isDepthwise ? (1, 1) : (pick([1, 2, 3, 4, 8, 9, 17]), pick([1, 3, 4, 8, 9, 13]))
    return ConvolutionGeometry(
      batch: pick([0, 1, 1, 1, 1, 1, 1, 2, 2, 3]), inputChannels: groups * channels.0,
      inputHeight: rows.extent,
      inputWidth: columns.extent, outputChannels: groups * channels.1, kernelHeight: rows.kernel,
      kernelWidth: columns.kernel, strideHeight: rows.stride, strideWidth: columns.stride,
      dilationHeight: rows.dilation, dilationWidth: columns.dilation, padTop: pad(),
      padLeft: pad(), padBottom: pad(), padRight: pad(), groups: groups)
  }
}

extension SplitMix64 {
  /// Numbers in −1…1.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float.random(in: -1...1, using: &self) }
  }

  /// Any bytes.
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
  }
}
