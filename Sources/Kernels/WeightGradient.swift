import Tensors

/// The gradient of a convolution's weights.
///
/// `∂w[o,i,t] = Σ_{n,p} ∂y[n,o,p] · x[n,i,p under t]`. Each group is one product a strip of output pixels: `∂y`
/// `[O/g, strip]` times the unfolded input `[I/g·taps, strip]` transposed. Depthwise groups take dot products of the
/// rows under each tap. Sums run over images and strips in a fixed order, so that the result is the same at any thread
/// count.
public struct WeightGradient: Sendable {
  private let geometry: ConvolutionGeometry
  private let strip: Int
  private let channelsLast: ChannelsLastWeightGradient?

  /// The gradient for a convolution of the given extents.
  public init(_ geometry: ConvolutionGeometry, instructionSet: InstructionSet = .best) {
    self.geometry = geometry
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
  private var parts: Int { min(geometry.batch, 8) }
  private var columnBytes: Int { (geometry.depth * strip * 4 + 63) / 64 * 64 }
  private var sumBytes: Int { (geometry.outputChannels * geometry.depth * 4 + 63) / 64 * 64 }

  /// The working memory of a run.
  public var scratchBytes: Int {
    if let channelsLast { return parts * channelsLast.scratchBytes }
    return geometry.isDepthwise ? 0 : parts * (sumBytes + (geometry.isPointwise ? 0 : columnBytes))
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
      pool.forEach(g.outputChannels) { channel in
        depthwise(channel, gradient, input, output + channel * g.depth)
      }
      return
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
    for part in 1..<max(parts, 1) {
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

  /// Visits the runs of output pixels within one row, with the part of each that lies within the input.
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

  private func depthwise(
    _ channel: Int, _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let pixels = g.outputHeight * g.outputWidth
    for tap in 0..<g.kernelHeight * g.kernelWidth {
      let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
      var sum = 0.0
      for image in 0..<g.batch {
        let place = image * g.inputChannels + channel
        let plane = input + place * g.inputHeight * g.inputWidth
        let dy = gradient + place * pixels
        forEachRun(0, pixels, row, column) { offset, inside, source in
          sum += Double(
            dot(dy + offset + inside.lowerBound, plane, source, inside, step: g.strideWidth))
        } padding: { _ in
        }
      }
      output[tap] = Float(sum)
    }
  }

  /// `Σ a[i − lower] · plane[source + i·step]` in eight lanes.
  @inline(__always)
  private func dot(
    _ a: UnsafePointer<Float>, _ plane: UnsafePointer<Float>, _ source: Int, _ range: Range<Int>,
    step: Int
  ) -> Float {
    var lanes = SIMD8<Float>()
    let count = range.count
    var index = 0
    if step == 1, count > 0 {
      let b = plane + source + range.lowerBound
      while index + 8 <= count {
        let left = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Float>.self)
        let right = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Float>.self)
        lanes = lanes.addingProduct(left, right)
        index += 8
      }
    }
    var sum = lanes.sum()
    while index < count {
      sum += a[index] * plane[source + (range.lowerBound + index) * step]
      index += 1
    }
    return sum
  }
}
