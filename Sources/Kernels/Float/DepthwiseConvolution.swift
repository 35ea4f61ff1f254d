import CKernels
import Tensors

/// Convolution with one filter a channel, plane by plane.
///
/// Square kernels of 3 and 5 with strides of 1 and 2 read the planes where they lie; all others,
/// and those with a residual, read a padded copy of the plane (see ``FrameLayout``).
package struct DepthwiseConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  private let direct: (@convention(c) (UnsafePointer<ck_depthwise_plane>?) -> Void)?
  private let layout: FrameLayout
  private let offsets: [Int]

  init(
    _ geometry: ConvolutionGeometry, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    let g = geometry
    self.geometry = geometry
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    direct = epilogue.residual == .none ? Self.direct(geometry, kernels.pointee) : nil
    layout = FrameLayout(g, outputRows: g.outputHeight)
    offsets = layout.offsets(channels: 1)
  }

  private static func direct(
    _ g: ConvolutionGeometry, _ kernels: ck_kernels
  ) -> (@convention(c) (UnsafePointer<ck_depthwise_plane>?) -> Void)? {
    guard g.kernelHeight == g.kernelWidth, g.strideHeight == g.strideWidth,
      g.dilationHeight == 1, g.dilationWidth == 1
    else { return nil }
    return switch (g.kernelHeight, g.strideHeight) {
    case (3, 1): kernels.depthwise.0.0
    case (3, 2): kernels.depthwise.0.1
    case (5, 1): kernels.depthwise.1.0
    case (5, 2): kernels.depthwise.1.1
    default: nil
    }
  }

  /// The elements of `[channels, taps]` weights, then the bias.
  var packedCount: Int {
    geometry.outputChannels * (geometry.kernelHeight * geometry.kernelWidth + 1)
  }

  /// Packs weights and a bias, zeros when `nil`.
  func pack(
    _ weights: UnsafePointer<Float>, _ order: WeightOrder, bias: UnsafePointer<Float>?,
    into target: UnsafeMutablePointer<Float>
  ) {
    let channels = geometry.outputChannels
    for channel in 0..<channels {
      let to = target + channel * order.taps.count
      for (index, tap) in order.taps.enumerated() {
        to[index] = weights[channel * order.groupStride + tap]
      }
    }
    let packedBias = target + channels * order.taps.count
    for channel in 0..<channels { packedBias[channel] = bias?[channel] ?? 0 }
  }

  /// Bytes of one thread's frame.
  var scratchBytes: Int { direct != nil ? 0 : (layout.byteCount(channels: 1) + 63) / 64 * 64 }

  func run(
    input: UnsafePointer<Float>, packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let planes = geometry.batch * geometry.inputChannels
    let rows = geometry.outputHeight
    if let direct {
      // Large planes are shared by rows, as the products around them share their pixels, so that
      // each thread finds its input in its own cache.
      let byRows = sharesPixels(rows * geometry.outputWidth, threads: pool.threadCount)
      let parts = min(pool.threadCount, byRows ? rows : planes)
      pool.forEach(parts) { part in
        run(
          direct, byRows ? 0..<planes : share(planes, part, parts),
          rows: byRows ? share(rows, part, parts) : 0..<rows, input: input, packed: packed,
          output: output)
      }
    } else {
      let parts = min(planes, pool.threadCount)
      pool.forEach(parts) { part in
        run(
          share(planes, part, parts), input: input, packed: packed, residual: residual,
          output: output,
          frame: (scratch + part * scratchBytes).assumingMemoryBound(to: Float.self))
      }
    }
  }

  private func run(
    _ kernel: @convention(c) (UnsafePointer<ck_depthwise_plane>?) -> Void, _ planes: Range<Int>,
    rows: Range<Int>, input: UnsafePointer<Float>, packed: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let taps = g.kernelHeight * g.kernelWidth
    var call = ck_depthwise_plane()
    (call.height, call.width) = (Int32(g.inputHeight), Int32(g.inputWidth))
    call.outputWidth = Int32(g.outputWidth)
    (call.firstRow, call.endRow) = (Int32(rows.lowerBound), Int32(rows.upperBound))
    (call.padTop, call.padLeft) = (Int32(g.padTop), Int32(g.padLeft))
    call.activation = epilogue.activation.parameters
    for plane in planes {
      let channel = plane % g.inputChannels
      call.input = input + plane * g.inputHeight * g.inputWidth
      call.output = output + plane * g.outputHeight * g.outputWidth
      call.weights = packed + channel * taps
      call.bias = packed[g.outputChannels * taps + channel]
      kernel(&call)
    }
  }

  private func run(
    _ planes: Range<Int>, input: UnsafePointer<Float>, packed: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>,
    frame: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let taps = g.kernelHeight * g.kernelWidth
    var call = ck_depthwise_taps()
    call.frame = UnsafePointer(frame)
    call.rowWidth = layout.rowWidth
    call.taps = Int32(taps)
    (call.outputHeight, call.outputWidth) = (Int32(g.outputHeight), Int32(g.outputWidth))
    call.activation = epilogue.activation.parameters
    call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
    offsets.withUnsafeBufferPointer { offsets in
      call.offsets = offsets.baseAddress
      for plane in planes {
        let channel = plane % g.inputChannels
        layout.fill(
          frame, from: input + plane * g.inputHeight * g.inputWidth, channels: 1, outputRow: 0,
          kernels: kernels)
        call.weights = packed + channel * taps
        call.bias = packed[g.outputChannels * taps + channel]
        call.output = output + plane * g.outputHeight * g.outputWidth
        call.residual = residual.map { $0 + plane * g.outputHeight * g.outputWidth }
        kernels.pointee.depthwiseTaps(&call)
      }
    }
  }
}
