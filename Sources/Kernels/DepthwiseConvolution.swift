import CKernels
import Tensors

/// Convolution with one filter a channel, directly on planes copied into a frame of zeros.
///
/// With a column stride of s the frame holds s phases side by side, phase f the columns f, f + s, …, so that neighbouring
/// outputs always read neighbouring elements.
struct DepthwiseConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  private let weights: PackedFloats
  private let bias: PackedFloats
  private let offsets: [Int]
  /// Elements of one row of one phase.
  private let phaseWidth: Int
  private let frameHeight: Int

  init(
    _ geometry: ConvolutionGeometry, weights source: UnsafePointer<Float>,
    bias biasSource: UnsafePointer<Float>?, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    let g = geometry
    self.geometry = geometry
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    weights = PackedFloats(count: g.outputChannels * g.kernelHeight * g.kernelWidth)
    weights.base.update(from: source, count: weights.count)
    bias = PackedFloats(count: g.outputChannels)
    if let biasSource { bias.base.update(from: biasSource, count: bias.count) }
    let reach = g.outputWidth + (g.kernelWidth - 1) * g.dilationWidth / g.strideWidth + 1
    phaseWidth = reach
    let rowWidth = reach * g.strideWidth
    frameHeight =
      (g.outputHeight - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1
    offsets = (0..<g.kernelHeight * g.kernelWidth).map { tap in
      let row = tap / g.kernelWidth * g.dilationHeight
      let column = tap % g.kernelWidth * g.dilationWidth
      return row * rowWidth + column % g.strideWidth * reach + column / g.strideWidth
    }
  }

  private var rowWidth: Int { phaseWidth * geometry.strideWidth }

  /// Bytes of one thread's frame, with room to read beyond its end.
  var scratchBytes: Int { (rowWidth * frameHeight * 4 + 255) / 64 * 64 }

  func run(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    let planes = g.batch * g.inputChannels
    let parts = min(planes, pool.threadCount)
    let inputPlane = g.inputHeight * g.inputWidth
    let outputPlane = g.outputHeight * g.outputWidth
    let taps = g.kernelHeight * g.kernelWidth
    pool.forEach(parts) { part in
      let frame = (scratch + part * scratchBytes).assumingMemoryBound(to: Float.self)
      frame.initialize(repeating: 0, count: scratchBytes / 4)
      var call = ck_depthwise_plane()
      call.input = UnsafePointer(frame)
      call.rowStride = rowWidth * g.strideHeight
      call.taps = Int32(taps)
      call.height = Int32(g.outputHeight)
      call.width = Int32(g.outputWidth)
      call.activation = epilogue.activation.parameters
      call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
      offsets.withUnsafeBufferPointer { offsets in
        call.offsets = offsets.baseAddress
        for plane in planes * part / parts..<planes * (part + 1) / parts {
          let channel = plane % g.inputChannels
          fill(frame, from: input + plane * inputPlane)
          call.weights = UnsafePointer(weights.base + channel * taps)
          call.bias = bias.base[channel]
          call.output = output + plane * outputPlane
          call.residual = residual.map { $0 + plane * outputPlane }
          kernels.pointee.depthwisePlane(&call)
        }
      }
    }
  }

  /// Copies a plane into the frame; the zeros around it stand already.
  private func fill(_ frame: UnsafeMutablePointer<Float>, from plane: UnsafePointer<Float>) {
    let g = geometry
    for row in 0..<g.inputHeight where row + g.padTop < frameHeight {
      let source = plane + row * g.inputWidth
      let target = frame + (row + g.padTop) * rowWidth
      if g.strideWidth == 1 {
        let count = min(g.inputWidth, phaseWidth - g.padLeft)
        if count > 0 { (target + g.padLeft).update(from: source, count: count) }
        continue
      }
      for phase in 0..<g.strideWidth {
        // The first column of the input that falls into this phase of the padded row.
        let first = (phase - g.padLeft % g.strideWidth + g.strideWidth) % g.strideWidth
        let to = target + phase * phaseWidth + (first + g.padLeft) / g.strideWidth
        let room = phaseWidth - (first + g.padLeft) / g.strideWidth
        let count = min(room, (g.inputWidth - first + g.strideWidth - 1) / g.strideWidth)
        guard count > 0 else { continue }
        let from = source + first
        let stride = g.strideWidth
        if stride == 2 {
          for index in 0..<count { to[index] = from[2 * index] }
        } else {
          for index in 0..<count { to[index] = from[stride * index] }
        }
      }
    }
  }
}
