import CKernels
import Tensors

/// The gradient of a convolution's weights from channels that lie side by side.
///
/// For each tap the products of `∂y` `[O, pixels]` and the input under the tap `[pixels, I]` are
/// summed in registers over all pixels of an image; nothing is unfolded. The input is turned to
/// channels last, in a padded frame, and `∂y` into blocks of eight rows.
struct ChannelsLastWeightGradient: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let kernels: UnsafePointer<ck_kernels>
  private let gradients: UnsafePointer<ck_gradient_kernels>
  /// Rows and columns of the padded frame.
  private let frame: (height: Int, width: Int)
  /// The input's channels, rounded up to whole eights.
  private let channels: Int
  /// Where each output pixel's window begins in the frame.
  private let places: [Int]
  private let zeros: PackedFloats

  init(_ geometry: ConvolutionGeometry, instructionSet: InstructionSet = .best) {
    let g = geometry
    self.geometry = geometry
    kernels = instructionSet.kernels
    gradients = instructionSet.gradientKernels
    let channels = (g.inputChannels + 7) / 8 * 8
    let frame = (
      height: g.inputHeight + g.padTop + g.padBottom, width: g.inputWidth + g.padLeft + g.padRight
    )
    (self.channels, self.frame) = (channels, frame)
    places = (0..<g.outputHeight * g.outputWidth).map { pixel in
      let (row, column) = pixel.quotientAndRemainder(dividingBy: g.outputWidth)
      return (row * g.strideHeight * frame.width + column * g.strideWidth) * channels
    }
    zeros = PackedFloats(count: 8)
    g.requireRoom(
      for: (g.inputHeight + g.padTop) * frame.width, in: frame.height * frame.width,
      "frame of pixels")
    let last =
      (places.last ?? 0)
      + ((g.kernelHeight - 1) * g.dilationHeight * frame.width
        + (g.kernelWidth - 1) * g.dilationWidth) * channels
    g.requireRoom(for: last + channels, in: frameCount - Self.slack, "frame of pixels")
    g.requireRoom(
      for: last + channels + Int(kernels.pointee.vectorLength), in: frameCount, "frame of pixels")
  }

  /// Elements that may be read beyond the last pixel, in whole vectors.
  private static let slack = 64

  private var taps: Int { geometry.kernelHeight * geometry.kernelWidth }
  private var blocks: Int { (geometry.outputChannels + 7) / 8 }
  private var frameCount: Int { frame.height * frame.width * channels + Self.slack }
  private var rowCount: Int { blocks * 8 * places.count }
  /// The elements of one sum, `[taps, O, I]`.
  private var sumCount: Int {
    taps * geometry.outputChannels * geometry.inputChannels / geometry.groups
  }

  /// The working memory of one part of the batch.
  var scratchBytes: Int { ((frameCount + rowCount + sumCount) * 4 + 63) / 64 * 64 }

  /// Sums the gradients of some images into the first ``sumCount`` elements of a part's working
  /// memory.
  func sum(
    _ images: Range<Int>, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    let g = geometry
    let sums = scratch.assumingMemoryBound(to: Float.self)
    let pixels = sums + sumCount
    let rows = pixels + frameCount
    sums.update(repeating: 0, count: sumCount)
    pixels.update(repeating: 0, count: frameCount)
    for image in images {
      turnInput(input + image * g.inputChannels * g.inputHeight * g.inputWidth, into: pixels)
      let source = gradient + image * g.outputChannels * places.count
      for block in 0..<blocks {
        gradients.pointee.interleave8(
          source + block * 8 * places.count, places.count,
          Int32(min(8, g.outputChannels - block * 8)), places.count,
          rows + block * 8 * places.count, 8)
      }
      multiply(rows, pixels, into: sums)
    }
  }

  private func turnInput(_ input: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    let g = geometry
    let plane = g.inputHeight * g.inputWidth
    for first in stride(from: 0, to: g.inputChannels, by: 8) {
      let count = Int32(min(8, g.inputChannels - first))
      for row in 0..<g.inputHeight {
        let place = (row + g.padTop) * frame.width + g.padLeft
        gradients.pointee.interleave8(
          input + first * plane + row * g.inputWidth, plane, count, g.inputWidth,
          target + place * channels + first, channels)
      }
    }
  }

  private func multiply(
    _ rows: UnsafePointer<Float>, _ pixels: UnsafePointer<Float>,
    into sums: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let width = 3 * Int(kernels.pointee.vectorLength)
    let inputs = g.inputChannels / g.groups
    let outputs = g.outputChannels / g.groups
    var call = ck_gemm_block()
    call.bias = UnsafePointer(zeros.base)
    call.depth = places.count
    call.cStride = inputs
    call.residualMode = CK_RESIDUAL_BEFORE
    places.withUnsafeBufferPointer { places in
      call.offsets = places.baseAddress
      for tap in 0..<taps {
        let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
        let shift =
          (row * g.dilationHeight * frame.width + column * g.dilationWidth) * channels
        for first in stride(from: 0, to: inputs, by: width) {
          call.columns = Int32(min(width, inputs - first))
          call.firstRun = call.columns
          for block in 0..<blocks {
            let group = block * 8 / outputs
            call.a = rows + block * 8 * places.count
            call.b = pixels + shift + group * inputs + first
            call.rows = Int32(min(8, g.outputChannels - block * 8))
            call.c = sums + (tap * g.outputChannels + block * 8) * inputs + first
            call.residual = UnsafePointer(call.c)
            kernels.pointee.gemmBlock8(&call)
          }
        }
      }
    }
  }

  /// Whether blocks of eight rows stay within a group, and channels fill vectors well enough.
  static func fits(_ g: ConvolutionGeometry) -> Bool {
    let (inputs, outputs) = (g.inputChannels / g.groups, g.outputChannels / g.groups)
    return !g.isDepthwise && inputs >= 8 && (g.groups == 1 || outputs % 8 == 0)
  }

  /// Writes the sum of all parts as `[O, I / groups, taps]`.
  func reduce(
    _ scratch: UnsafeMutableRawPointer, parts: Int, into output: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    let g = geometry
    let inputs = g.inputChannels / g.groups
    let bytes = scratchBytes
    let sums = scratch.assumingMemoryBound(to: Float.self)
    pool.forEach(g.outputChannels) { row in
      for tap in 0..<taps {
        let place = (tap * g.outputChannels + row) * inputs
        let whole = sums + place
        for part in 1..<parts {
          let other = (scratch + part * bytes).assumingMemoryBound(to: Float.self) + place
          for input in 0..<inputs { whole[input] += other[input] }
        }
        let target = output + row * inputs * taps + tap
        for input in 0..<inputs { target[input * taps] = whole[input] }
      }
    }
  }
}
