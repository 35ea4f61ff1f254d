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

  /// The gradient for a convolution of the given extents.
  public init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    let pixels = geometry.outputHeight * geometry.outputWidth
    // A strip of unfolded input of about half a megabyte stays in the second cache.
    strip = max(64, min(pixels, (1 << 17) / max(geometry.depth, 1) / 16 * 16))
  }

  /// What a profile calls the algorithm.
  public var algorithm: String { geometry.isDepthwise ? "depthwise" : "unfold" }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int {
    geometry.isDepthwise ? 0 : (geometry.depth * strip * 4 + 63) / 64 * 64
  }

  /// Computes the gradient.
  ///
  /// - Parameters:
  ///   - gradient: `[N, O, H′, W′]`.
  ///   - input: `[N, I, H, W]`.
  ///   - output: `[O, I / groups, kH, kW]`.
  public func run(
    gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    output.update(repeating: 0, count: g.outputChannels * g.depth)
    guard !g.isDepthwise else {
      pool.forEach(g.outputChannels) { channel in
        depthwise(channel, gradient, input, output + channel * g.depth)
      }
      return
    }
    let (rows, channels) = (g.outputChannels / g.groups, g.inputChannels / g.groups)
    let pixels = g.outputHeight * g.outputWidth
    let columns = scratch.assumingMemoryBound(to: Float.self)
    for unit in 0..<g.batch * g.groups {
      let (image, group) = unit.quotientAndRemainder(dividingBy: g.groups)
      let source =
        input + (image * g.inputChannels + group * channels) * g.inputHeight * g.inputWidth
      let rowGradient = gradient + (image * g.outputChannels + group * rows) * pixels
      for start in stride(from: 0, to: pixels, by: strip) {
        let count = min(strip, pixels - start)
        pool.forEach(channels) { channel in
          unfold(
            source + channel * g.inputHeight * g.inputWidth, start: start, count: count,
            into: columns + channel * g.kernelHeight * g.kernelWidth * count)
        }
        MatrixProduct(rows: rows, columns: g.depth, depth: count, transposesRight: true)(
          rowGradient + start, leftStride: pixels, UnsafePointer(columns),
          into: output + group * rows * g.depth, beta: 1, pool: pool)
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
