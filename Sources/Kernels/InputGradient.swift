import Tensors

/// The gradient of a convolution's input.
///
/// `∂x[n,i,p] = Σ_{o,t} ∂y[n,o,q] · w[o,i,t]` over the taps t that carry the output pixel q to the input pixel p. Where the
/// strides are 1 that is a convolution of `∂y` by the kernel turned about; in general it is one such convolution, by every
/// s-th tap, for each of the sˣ·sʸ phases of the input's pixels, whose results are interleaved.
public struct InputGradient: Sendable {
  /// The input pixels `s·q + start`, which one small convolution makes.
  private struct Phase: Sendable {
    var geometry: ConvolutionGeometry
    /// The first tap down and across; further ones are a stride apart.
    var firstTap: (row: Int, column: Int)
    /// The first input pixel.
    var start: (row: Int, column: Int)
  }

  private let geometry: ConvolutionGeometry
  private let phases: [Phase]

  /// The gradient for a convolution of the given extents; `nil` for geometries that are left to the transposed
  /// convolution: strides together with dilations, and padding beyond the kernel.
  public init?(_ geometry: ConvolutionGeometry) {
    let g = geometry
    self.geometry = geometry
    let isStrided = g.strideHeight > 1 || g.strideWidth > 1
    guard !isStrided || (g.dilationHeight == 1 && g.dilationWidth == 1) else { return nil }
    var phases: [Phase] = []
    for row in 0..<g.strideHeight {
      for column in 0..<g.strideWidth {
        guard
          let down = Self.axis(
            phase: row, stride: g.strideHeight, kernel: g.kernelHeight,
            dilation: g.dilationHeight, pad: g.padTop, extent: g.inputHeight,
            output: g.outputHeight),
          let across = Self.axis(
            phase: column, stride: g.strideWidth, kernel: g.kernelWidth,
            dilation: g.dilationWidth, pad: g.padLeft, extent: g.inputWidth,
            output: g.outputWidth)
        else { return nil }
        guard down.taps > 0, across.taps > 0, down.count > 0, across.count > 0 else { continue }
        phases.append(
          Phase(
            geometry: ConvolutionGeometry(
              batch: g.batch, inputChannels: g.outputChannels, inputHeight: g.outputHeight,
              inputWidth: g.outputWidth, outputChannels: g.inputChannels,
              kernelHeight: down.taps, kernelWidth: across.taps,
              dilationHeight: g.dilationHeight, dilationWidth: g.dilationWidth,
              padTop: down.before, padLeft: across.before, padBottom: down.after,
              padRight: across.after, groups: g.groups), firstTap: (row, column),
            start: (down.start, across.start)))
      }
    }
    self.phases = phases
  }

  /// One axis of a phase: its taps, its pixels, and the padding of the convolution that makes them.
  private static func axis(
    phase: Int, stride: Int, kernel: Int, dilation: Int, pad: Int, extent: Int, output: Int
  ) -> (taps: Int, start: Int, count: Int, before: Int, after: Int)? {
    let taps = phase < kernel ? (kernel - phase + stride - 1) / stride : 0
    // Pixels p with p + pad = stride·q + phase; q − j is the row of ∂y under tap phase + stride·j.
    let firstQ = max(0, (pad - phase + stride - 1) / stride)
    let start = stride * firstQ + phase - pad
    guard start < extent else { return (taps, start, 0, 0, 0) }
    let count = (extent - 1 - start) / stride + 1
    guard taps > 0 else { return (0, start, count, 0, 0) }
    let reach = (taps - 1) * dilation
    let before = reach - firstQ
    let after = firstQ + count - output
    guard before >= 0, output + before + after - reach == count else { return nil }
    // Rows of ∂y that reach no pixel of this phase are cut off by a negative padding, which convolutions do not have.
    return after >= 0 ? (taps, start, count, before, after) : nil
  }

  /// Whether one convolution writes the whole result.
  private var isWhole: Bool { geometry.strideHeight == 1 && geometry.strideWidth == 1 }

  /// What a profile calls the algorithm.
  public var algorithm: String { isWhole ? "turned kernel" : "turned kernel by phases" }

  /// Computes the gradient.
  ///
  /// - Parameters:
  ///   - gradient: `[N, O, H′, W′]`, readable 256 bytes beyond its end.
  ///   - weights: `[O, I / groups, kH, kW]`.
  ///   - output: `[N, I, H, W]`.
  public func run(
    gradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let g = geometry
    if !isWhole || phases.isEmpty {
      output.update(
        repeating: 0, count: g.batch * g.inputChannels * g.inputHeight * g.inputWidth)
    }
    for phase in phases {
      let turned = turnedWeights(weights, phase)
      turned.withUnsafeBufferPointer { turned in
        guard let base = turned.baseAddress else { return }
        let convolution = PreparedConvolution(phase.geometry, weights: base, bias: nil)
        let planes = g.batch * g.inputChannels
        let size = isWhole ? 0 : planes * phase.geometry.outputHeight * phase.geometry.outputWidth
        let scratchBytes = (convolution.scratchBytes(threads: pool.threadCount) + 63) / 64 * 64
        let scratch = UnsafeMutableRawPointer.allocate(
          byteCount: scratchBytes + size * 4 + 320, alignment: 64)
        defer { scratch.deallocate() }
        let part = (scratch + scratchBytes).assumingMemoryBound(to: Float.self)
        convolution.run(
          input: gradient, residual: nil, output: isWhole ? output : part, scratch: scratch,
          pool: pool)
        if !isWhole { interleave(part, phase, into: output, planes: planes, pool: pool) }
      }
    }
  }

  /// The taps of a phase, back to front, with inputs and outputs exchanged: `[I, O / groups, kH′, kW′]`.
  private func turnedWeights(_ weights: UnsafePointer<Float>, _ phase: Phase) -> [Float] {
    let g = geometry
    let (inputs, outputs) = (g.inputChannels / g.groups, g.outputChannels / g.groups)
    let (rows, columns) = (phase.geometry.kernelHeight, phase.geometry.kernelWidth)
    var turned = [Float](repeating: 0, count: g.inputChannels * outputs * rows * columns)
    turned.withUnsafeMutableBufferPointer { turned in
      var place = 0
      for input in 0..<g.inputChannels {
        let (group, within) = input.quotientAndRemainder(dividingBy: inputs)
        for output in 0..<outputs {
          let source =
            weights + ((group * outputs + output) * inputs + within) * g.kernelHeight
            * g.kernelWidth
          for row in (0..<rows).reversed() {
            for column in (0..<columns).reversed() {
              let tapRow = phase.firstTap.row + row * g.strideHeight
              let tapColumn = phase.firstTap.column + column * g.strideWidth
              turned[place] = source[tapRow * g.kernelWidth + tapColumn]
              place += 1
            }
          }
        }
      }
    }
    return turned
  }

  private func interleave(
    _ part: UnsafePointer<Float>, _ phase: Phase, into output: UnsafeMutablePointer<Float>,
    planes: Int, pool: ThreadPool
  ) {
    let g = geometry
    let (rows, columns) = (phase.geometry.outputHeight, phase.geometry.outputWidth)
    pool.forEach(planes) { plane in
      for row in 0..<rows {
        let from = part + (plane * rows + row) * columns
        let to =
          output
          + (plane * g.inputHeight + phase.start.row + row * g.strideHeight) * g.inputWidth
          + phase.start.column
        let step = g.strideWidth
        for column in 0..<columns { to[column * step] = from[column] }
      }
    }
  }
}
