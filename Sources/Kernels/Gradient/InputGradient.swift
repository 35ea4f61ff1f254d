import CKernels
import Tensors

/// The gradient of a convolution's input.
///
/// `∂x[n,i,p] = Σ_{o,t} ∂y[n,o,q] · w[o,i,t]` over the taps t that carry the output pixel q to the
/// input pixel p. Where the strides are 1 that is a convolution of `∂y` by the kernel turned about;
/// in general it is one such convolution, by every s-th tap, for each of the sˣ·sʸ phases of the
/// input's pixels, whose results are interleaved.
public struct InputGradient: @unchecked Sendable {
  /// The input pixels `s·q + start`, which one small convolution makes.
  private struct Phase: Sendable {
    var convolution: UnpackedConvolution
    var rows: Int
    var columns: Int
    /// The first input pixel.
    var start: (row: Int, column: Int)
  }

  private let geometry: ConvolutionGeometry
  private let gradients: UnsafePointer<ck_gradient_kernels>
  private var phases: [Phase] = []
  /// Images whose phases are made before they are interleaved; they divide the batch.
  private let images: Int

  /// Bytes of the phases of some images that should stay in the cache.
  private static let partBytes = 1 << 19

  /// The gradient for a convolution of the given extents; `nil` for geometries that are left to the
  /// transposed convolution: strides together with dilations, and padding beyond the kernel.
  public init?(_ geometry: ConvolutionGeometry, instructionSet: InstructionSet = .best) {
    let g = geometry
    g.requireSound()
    self.geometry = geometry
    gradients = instructionSet.gradientKernels
    let imageBytes = max(4, 4 * g.inputChannels * g.inputHeight * g.inputWidth)
    let most = g.strideHeight * g.strideWidth == 1 ? g.batch : Self.partBytes / imageBytes
    images = (1...max(1, min(most, g.batch))).last { g.batch.isMultiple(of: $0) } ?? 1
    let isStrided = g.strideHeight > 1 || g.strideWidth > 1
    guard !isStrided || (g.dilationHeight == 1 && g.dilationWidth == 1) else { return nil }
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
          phase(row, column, down, across, instructionSet: instructionSet))
      }
    }
  }

  private typealias Axis = (taps: Int, start: Int, count: Int, before: Int, after: Int)

  private func phase(
    _ row: Int, _ column: Int, _ down: Axis, _ across: Axis, instructionSet: InstructionSet
  ) -> Phase {
    let g = geometry
    // The taps a stride apart, back to front.
    let taps = (0..<down.taps).reversed().flatMap { i in
      (0..<across.taps).reversed().map { j in
        (row + i * g.strideHeight) * g.kernelWidth + column + j * g.strideWidth
      }
    }
    let small = ConvolutionGeometry(
      batch: images, inputChannels: g.outputChannels, inputHeight: g.outputHeight,
      inputWidth: g.outputWidth, outputChannels: g.inputChannels, kernelHeight: down.taps,
      kernelWidth: across.taps, dilationHeight: g.dilationHeight,
      dilationWidth: g.dilationWidth, padTop: down.before, padLeft: across.before,
      padBottom: down.after, padRight: across.after, groups: g.groups)
    return Phase(
      convolution: UnpackedConvolution(
        small, order: WeightOrder(exchanging: g, taps: taps), instructionSet: instructionSet),
      rows: down.count, columns: across.count, start: (down.start, across.start))
  }

  /// One axis of a phase: its taps, its pixels, and the padding of the convolution that makes them.
  private static func axis(
    phase: Int, stride: Int, kernel: Int, dilation: Int, pad: Int, extent: Int, output: Int
  ) -> Axis? {
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
    // Rows of ∂y that reach no pixel of this phase are cut off by a negative padding, which
    // convolutions do not have.
    return after >= 0 ? (taps, start, count, before, after) : nil
  }

  /// Whether one convolution writes the whole result.
  private var isWhole: Bool { geometry.strideHeight == 1 && geometry.strideWidth == 1 }

  /// What a profile calls the algorithm.
  public var algorithm: String { isWhole ? "turned kernel" : "turned kernel by phases" }

  private func partCount(_ phase: Phase) -> Int {
    (images * geometry.inputChannels * phase.rows * phase.columns + 79) / 16 * 16
  }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int {
    phases.reduce(0) { bytes, phase in
      bytes + (phase.convolution.scratchBytes(threads: threads) + 63) / 64 * 64
        + (isWhole ? 0 : 4 * partCount(phase))
    }
  }

  /// Computes the gradient.
  ///
  /// - Parameters:
  ///   - gradient: `[N, O, H′, W′]`, readable 256 bytes beyond its end.
  ///   - weights: `[O, I / groups, kH, kW]`.
  ///   - output: `[N, I, H, W]`.
  ///   - scratch: ``scratchBytes(threads:)`` bytes, aligned to 64.
  public func run(
    gradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    guard g.batch > 0 else { return }
    if isWhole, let phase = phases.first {
      phase.convolution.run(
        input: gradient, weights: weights, bias: nil, residual: nil, output: output,
        scratch: scratch, pool: pool)
      return
    }
    for phase in phases.indices {
      phases[phase].convolution.pack(
        weights, bias: nil, scratch: place(of: phase, scratch, pool).scratch, pool: pool)
    }
    for first in stride(from: 0, to: g.batch, by: images) {
      let source = gradient + first * g.outputChannels * g.outputHeight * g.outputWidth
      for phase in phases.indices {
        let place = place(of: phase, scratch, pool)
        phases[phase].convolution.runPacked(
          input: source, residual: nil, output: place.part, scratch: place.scratch, pool: pool)
      }
      interleave(
        into: output + first * g.inputChannels * g.inputHeight * g.inputWidth, scratch, pool)
    }
  }

  /// Where a phase's convolution has its working memory and its result.
  private func place(
    of phase: Int, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) -> (scratch: UnsafeMutableRawPointer, part: UnsafeMutablePointer<Float>) {
    func bytes(_ phase: Phase) -> Int {
      (phase.convolution.scratchBytes(threads: pool.threadCount) + 63) / 64 * 64
    }
    let start = phases[..<phase].reduce(scratch) { $0 + bytes($1) + 4 * partCount($1) }
    return (start, (start + bytes(phases[phase])).assumingMemoryBound(to: Float.self))
  }

  /// Writes the planes of some images out of those of their phases; pixels of a phase without taps
  /// become zeros.
  private func interleave(
    into output: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let g = geometry
    let parts = phases.indices.map { UnsafePointer(place(of: $0, scratch, pool).part) }
    pool.forEach(images * g.inputChannels) { plane in
      for row in 0..<g.inputHeight {
        let to = output + (plane * g.inputHeight + row) * g.inputWidth
        let (index, startRow) = row.quotientAndRemainder(dividingBy: g.strideHeight)
        func source(_ startColumn: Int) -> UnsafePointer<Float>? {
          for (part, phase) in zip(parts, phases) where phase.start == (startRow, startColumn) {
            return part + (plane * phase.rows + index) * phase.columns
          }
          return nil
        }
        if g.strideWidth == 2 {
          gradients.pointee.interleave2(source(0), source(1), to, g.inputWidth)
          continue
        }
        for start in 0..<min(g.strideWidth, g.inputWidth) {
          let from = source(start)
          for (index, column) in stride(from: start, to: g.inputWidth, by: g.strideWidth)
            .enumerated()
          {
            to[column] = from?[index] ?? 0
          }
        }
      }
    }
  }
}
