import CKernels
import Tensors

/// The gradient of a convolution's weights.
///
/// `∂w[o,i,t] = Σ_{n,p} ∂y[n,o,p] · x[n,i,p under t]`. Where there are channels enough they are
/// laid side by side (see ``ChannelsLastWeightGradient``); pointwise and thin convolutions are
/// products of strips of `∂y` `[O/g, strip]` and the unfolded input `[I/g·taps, strip]` transposed;
/// depthwise ones multiply planes with the padded input under each tap. Images are summed in parts
/// that depend on the geometry alone, so that the result is the same at any thread count.
public struct WeightGradient: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let strip: Int
  private let channelsLast: ChannelsLastWeightGradient?
  private let layout: FrameLayout
  private let offsets: [Int]
  private let kernels: UnsafePointer<ck_kernels>
  private let gradients: UnsafePointer<ck_gradient_kernels>

  /// The gradient for a convolution of the given extents.
  public init(_ geometry: ConvolutionGeometry, instructionSet: InstructionSet = .best) {
    geometry.requireSound()
    self.geometry = geometry
    layout = FrameLayout(geometry, outputRows: geometry.outputHeight)
    offsets = layout.offsets(channels: 1)
    kernels = instructionSet.kernels
    gradients = instructionSet.gradientKernels
    channelsLast =
      ChannelsLastWeightGradient.fits(geometry)
      ? ChannelsLastWeightGradient(geometry, instructionSet: instructionSet) : nil
    let pixels = geometry.outputHeight * geometry.outputWidth
    // A strip of unfolded input of about half a megabyte stays in the second cache.
    strip = max(64, min(pixels, (1 << 17) / max(geometry.depth, 1) / 16 * 16))
  }

  /// What a profile calls the algorithm.
  public var algorithm: String {
    geometry.isDepthwise ? "depthwise" : channelsLast == nil ? "unfold" : "channels last"
  }

  /// Parts of the batch, each with a sum of its own; they depend on the geometry alone.
  private var parts: Int { max(1, min(geometry.batch, 8)) }
  private var columnBytes: Int { (geometry.depth * strip * 4 + 63) / 64 * 64 }
  private var sumBytes: Int { (geometry.outputChannels * geometry.depth * 4 + 63) / 64 * 64 }

  /// The working memory of a run.
  public var scratchBytes: Int {
    if let channelsLast { return parts * channelsLast.scratchBytes }
    return geometry.isDepthwise
      ? depthwiseParts * frameBytes : parts * (sumBytes + (geometry.isPointwise ? 0 : columnBytes))
  }

  /// Computes the gradient.
  ///
  /// - Parameters:
  ///   - gradient: `[N, O, H′, W′]`.
  ///   - input: `[N, I, H, W]`.
  ///   - output: `[O, I / groups, kH, kW]`.
  ///   - scratch: ``scratchBytes`` bytes, aligned to 64.
  public func run(
    gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    guard !g.isDepthwise else {
      let parts = depthwiseParts
      let bytes = frameBytes
      return pool.forEach(parts) { part in
        let channels = part * g.outputChannels / parts..<(part + 1) * g.outputChannels / parts
        depthwise(
          channels, gradient, input, output,
          frame: (scratch + part * bytes).assumingMemoryBound(to: Float.self))
      }
    }
    if let channelsLast {
      let bytes = channelsLast.scratchBytes
      pool.forEach(parts) { part in
        channelsLast.sum(
          part * g.batch / parts..<(part + 1) * g.batch / parts, gradient: gradient, input: input,
          scratch: scratch + part * bytes)
      }
      return channelsLast.reduce(scratch, parts: parts, into: output, pool: pool)
    }
    let count = g.outputChannels * g.depth
    let alone = ThreadPool(threads: 1)
    pool.forEach(parts) { part in
      let sum = (scratch + part * sumBytes).assumingMemoryBound(to: Float.self)
      sum.update(repeating: 0, count: count)
      let columns = (scratch + parts * sumBytes + part * columnBytes).assumingMemoryBound(
        to: Float.self)
      for image in part * g.batch / parts..<(part + 1) * g.batch / parts {
        add(image, gradient, input, to: sum, columns: columns, pool: alone)
      }
    }
    output.update(from: scratch.assumingMemoryBound(to: Float.self), count: count)
    for part in 1..<parts {
      let sum = (scratch + part * sumBytes).assumingMemoryBound(to: Float.self)
      for index in 0..<count { output[index] += sum[index] }
    }
  }

  /// Adds the gradient of one image.
  private func add(
    _ image: Int, _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>,
    to sum: UnsafeMutablePointer<Float>, columns: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let g = geometry
    let (rows, channels) = (g.outputChannels / g.groups, g.inputChannels / g.groups)
    let pixels = g.outputHeight * g.outputWidth
    let plane = g.inputHeight * g.inputWidth
    for group in 0..<g.groups {
      let source = input + (image * g.inputChannels + group * channels) * plane
      let rowGradient = gradient + (image * g.outputChannels + group * rows) * pixels
      let target = sum + group * rows * g.depth
      if g.isPointwise {
        MatrixProduct(rows: rows, columns: g.depth, depth: pixels, transposesRight: true)(
          rowGradient, source, into: target, beta: 1, pool: pool)
        continue
      }
      for start in stride(from: 0, to: pixels, by: strip) {
        let count = min(strip, pixels - start)
        for channel in 0..<channels {
          unfold(
            source + channel * plane, start: start, count: count,
            into: columns + channel * g.kernelHeight * g.kernelWidth * count)
        }
        MatrixProduct(rows: rows, columns: g.depth, depth: count, transposesRight: true)(
          rowGradient + start, leftStride: pixels, UnsafePointer(columns), into: target, beta: 1,
          pool: pool)
      }
    }
  }

  /// What lies under each tap of some output pixels of one channel, `[taps, count]`.
  private func unfold(
    _ plane: UnsafePointer<Float>, start: Int, count: Int, into target: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    for tap in 0..<g.kernelHeight * g.kernelWidth {
      let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
      let to = target + tap * count
      forEachRun(start, count, row, column) { offset, inside, source in
        for index in 0..<inside.lowerBound { to[offset + index] = 0 }
        let step = g.strideWidth
        if step == 1 {
          for index in inside { to[offset + index] = plane[source + index] }
        } else {
          for index in inside { to[offset + index] = plane[source + index * step] }
        }
      } padding: { range in
        for index in range { to[index] = 0 }
      }
    }
  }

  /// Visits the runs of output pixels within one row, with the part of each that lies within the
  /// input.
  @inline(__always)
  private func forEachRun(
    _ start: Int, _ count: Int, _ tapRow: Int, _ tapColumn: Int,
    _ body: (_ offset: Int, _ inside: Range<Int>, _ source: Int) -> Void,
    padding: (Range<Int>) -> Void
  ) {
    let g = geometry
    var pixel = start
    while pixel < start + count {
      let (y, x) = pixel.quotientAndRemainder(dividingBy: g.outputWidth)
      let run = min(g.outputWidth - x, start + count - pixel)
      let offset = pixel - start
      let row = y * g.strideHeight + tapRow * g.dilationHeight - g.padTop
      let column = x * g.strideWidth + tapColumn * g.dilationWidth - g.padLeft
      if row >= 0, row < g.inputHeight {
        let step = g.strideWidth
        let left = min(run, column >= 0 ? 0 : (step - 1 - column) / step)
        let room = g.inputWidth - column
        let right = max(left, min(run, room <= 0 ? 0 : (room + step - 1) / step))
        body(offset, left..<right, row * g.inputWidth + column)
        padding(offset + right..<offset + run)
      } else {
        padding(offset..<offset + run)
      }
      pixel += run
    }
  }

  /// Parts of the channels, each with a frame of its own.
  private var depthwiseParts: Int { min(geometry.outputChannels, 8) }
  private var frameBytes: Int { (layout.byteCount(channels: 1) + 63) / 64 * 64 }

  /// The gradients of some channels: products of each plane of `∂y` with the padded input under
  /// each tap.
  private func depthwise(
    _ channels: Range<Int>, _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, frame: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let taps = g.kernelHeight * g.kernelWidth
    var sums = [Float](repeating: 0, count: taps)
    var call = ck_plane_products()
    call.frame = UnsafePointer(frame)
    call.rowWidth = layout.rowWidth
    (call.rows, call.columns, call.taps) = (
      Int32(g.outputHeight), Int32(g.outputWidth), Int32(taps)
    )
    offsets.withUnsafeBufferPointer { offsets in
      sums.withUnsafeMutableBufferPointer { sums in
        call.offsets = offsets.baseAddress
        call.sums = sums.baseAddress
        for channel in channels {
          var totals = [Double](repeating: 0, count: taps)
          for image in 0..<g.batch {
            let place = image * g.inputChannels + channel
            layout.fill(
              frame, from: input + place * g.inputHeight * g.inputWidth, channels: 1,
              outputRow: 0, kernels: kernels)
            call.plane = gradient + place * g.outputHeight * g.outputWidth
            gradients.pointee.planeProducts(&call)
            for tap in 0..<taps { totals[tap] += Double(sums[tap]) }
          }
          for tap in 0..<taps { output[channel * taps + tap] = Float(totals[tap]) }
        }
      }
    }
  }
}
