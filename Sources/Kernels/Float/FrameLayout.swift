import CKernels

/// How input rows lie in a frame of zeros so that every tap of a convolution is one fixed shift of
/// the frame.
///
/// A frame holds the rows under some output rows, padded, and split into the phases of the strides:
/// with strides s × t, phase (f, g) has the rows f, f + s, … and of these the columns g, g + t, ….
/// Output pixel (y, x) lies at `y · rowWidth + x`, and each tap at a fixed distance from there.
/// Zeros at the end of a row serve as the zeros at the beginning of the next, as far as rows stay
/// as long as those of the output.
struct FrameLayout: Sendable {
  private let geometry: ConvolutionGeometry
  /// Elements from one row of a phase to the next.
  let rowWidth: Int
  /// Elements from one channel to the next.
  let channelStride: Int
  /// Rows of a phase.
  let rows: Int
  private let rowPhases: Int
  private let columnPhases: Int

  /// Elements that may be read beyond the last channel, in whole vectors.
  static let slack = 64
  /// Elements that kernels read beyond the last output pixel under a tap: two vectors at a time,
  /// the longest of 16.
  private static let overread = 31

  /// The layout of frames under `outputRows` rows of the output.
  init(_ geometry: ConvolutionGeometry, outputRows: Int) {
    let g = geometry
    self.geometry = g
    rowPhases = min(g.strideHeight, (g.kernelHeight - 1) * g.dilationHeight + 1)
    columnPhases = min(g.strideWidth, (g.kernelWidth - 1) * g.dilationWidth + 1)
    rows = outputRows + (g.kernelHeight - 1) * g.dilationHeight / g.strideHeight
    let reach = g.outputWidth + (g.kernelWidth - 1) * g.dilationWidth / g.strideWidth
    let after = max(0, reach - g.padLeft - g.inputWidth)
    let zeros = g.strideWidth == 1 ? min(g.padLeft, after, reach - g.outputWidth) : 0
    rowWidth = reach - zeros
    let used = rowPhases * columnPhases * rows * rowWidth + zeros
    // Channels a multiple of a page apart would share cache sets.
    let line = (used + 15) / 16 * 16
    channelStride = line % 1024 < 32 ? line + 48 : line
    g.requireRoom(for: g.outputWidth, in: rowWidth, "row of a frame")
    g.requireRoom(for: used, in: channelStride, "channel of a frame")
    let last = (offsets(channels: 1).max() ?? 0) + (outputRows - 1) * rowWidth + g.outputWidth
    g.requireRoom(for: last, in: channelStride, "channel of a frame")
    g.requireRoom(for: last + Self.overread, in: channelStride + Self.slack, "frame")
  }

  /// Bytes of a frame of so many channels, slack included.
  func byteCount(channels: Int) -> Int { (channels * channelStride + Self.slack) * 4 }

  /// The place of each tap of each channel, channels outermost.
  func offsets(channels: Int) -> [Int] {
    let g = geometry
    let phase = rows * rowWidth
    return (0..<channels).flatMap { channel in
      (0..<g.kernelHeight * g.kernelWidth).map { tap in
        let row = tap / g.kernelWidth * g.dilationHeight
        let column = tap % g.kernelWidth * g.dilationWidth
        return channel * channelStride
          + (row % g.strideHeight * columnPhases + column % g.strideWidth) * phase
          + row / g.strideHeight * rowWidth + column / g.strideWidth
      }
    }
  }

  /// Fills a frame with what lies under the output rows from `outputRow` on.
  func fill(
    _ frame: UnsafeMutablePointer<Float>, from input: UnsafePointer<Float>, channels: Int,
    outputRow: Int, kernels: UnsafePointer<ck_kernels>
  ) {
    let g = geometry
    var call = ck_frame()
    call.input = input
    call.output = frame
    call.height = g.inputHeight
    call.width = g.inputWidth
    call.firstRow = outputRow * g.strideHeight - g.padTop
    call.padLeft = g.padLeft
    call.strideHeight = g.strideHeight
    call.strideWidth = g.strideWidth
    call.rowPhases = rowPhases
    call.columnPhases = columnPhases
    call.rows = rows
    call.rowWidth = rowWidth
    call.channelStride = channelStride
    call.channels = channels
    kernels.pointee.fillFrame(&call)
    (frame + channels * channelStride).initialize(repeating: 0, count: Self.slack)
  }
}
