import CKernels
import Tensors

/// Convolution of any kernel and stride as a product that reads its second factor out of a frame,
/// without unfolding it.
///
/// The output is made in bands of rows whose frames fit the second-level cache; see
/// ``FrameLayout``. Row k of the second factor, one tap of one channel, is the frame shifted by
/// that tap's offset. Columns between the end of one output row and the beginning of the next are
/// computed and left out.
package struct FramedConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  let weights: PackedWeights
  private let layout: FrameLayout
  private let offsets: [Int]
  private let bandRows: Int
  private let tileWidth: Int

  /// Bytes that a band's frame should not exceed.
  private static let frameBytes = 256 << 10
  /// Bands of the whole output at least, when it has the rows, for threads to share.
  private static let leastBands = 4

  init(
    _ geometry: ConvolutionGeometry, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    let g = geometry
    self.geometry = g
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    weights = PackedWeights(g)
    tileWidth = 3 * Int(kernels.pointee.vectorLength)
    let channels = g.inputChannels / g.groups
    func bytes(_ rows: Int) -> Int {
      FrameLayout(g, outputRows: rows).byteCount(channels: channels)
    }
    // Bands of fewer pixels would leave the last tile of each half empty.
    let fewest = min(g.outputHeight, max(1, (8 * tileWidth + g.outputWidth - 1) / g.outputWidth))
    var bands = 1
    while bytes((g.outputHeight + bands - 1) / bands) > Self.frameBytes
      || g.batch * g.groups * bands < Self.leastBands,
      (g.outputHeight + bands) / (bands + 1) >= fewest
    { bands += 1 }
    bandRows = (g.outputHeight + bands - 1) / bands
    layout = FrameLayout(g, outputRows: bandRows)
    offsets = layout.offsets(channels: channels)
  }

  private var bands: Int { (geometry.outputHeight + bandRows - 1) / bandRows }

  /// Bytes of one thread's frame.
  var scratchBytes: Int {
    (layout.byteCount(channels: geometry.inputChannels / geometry.groups) + 63) / 64 * 64
  }

  func run(
    input: UnsafePointer<Float>, packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * geometry.groups * bands
    let threads = pool.threadCount
    let blockCount = weights.blocks.count
    // With fewer bands than threads these share each one's rows, each with a frame of its own.
    let sharesRows = units < threads && blockCount > 1
    let parts = min(threads, sharesRows ? blockCount : units)
    offsets.withUnsafeBufferPointer { offsets in
      guard let offsets = offsets.baseAddress else { return }
      pool.forEach(parts) { part in
        let frame = (scratch + part * scratchBytes).assumingMemoryBound(to: Float.self)
        var call = ck_gemm_block()
        call.offsets = offsets
        call.depth = geometry.depth
        call.cStride = geometry.outputHeight * geometry.outputWidth
        call.activation = epilogue.activation.parameters
        call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
        call.run = Int32(geometry.outputWidth)
        call.gap = Int32(layout.rowWidth - geometry.outputWidth)
        let blocks = sharesRows ? share(blockCount, part, parts) : 0..<blockCount
        for unit in sharesRows ? 0..<units : share(units, part, parts) {
          run(
            &call, unit: unit, blocks: blocks, input: input, packed: packed, residual: residual,
            output: output, frame: frame)
        }
      }
    }
  }

  /// Makes one band of one group of one image.
  private func run(
    _ call: inout ck_gemm_block, unit: Int, blocks: Range<Int>, input: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>,
    frame: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let (image, group) = (unit / bands).quotientAndRemainder(dividingBy: g.groups)
    let firstRow = unit % bands * bandRows
    let rows = min(bandRows, g.outputHeight - firstRow)
    let channels = g.inputChannels / g.groups
    let source = (image * g.inputChannels + group * channels) * g.inputHeight * g.inputWidth
    layout.fill(
      frame, from: input + source, channels: channels, outputRow: firstRow, kernels: kernels)
    let plane = g.outputHeight * g.outputWidth
    let outputs = g.outputChannels / g.groups
    let base = (image * g.outputChannels + group * outputs) * plane + firstRow * g.outputWidth
    let end = (rows - 1) * layout.rowWidth + g.outputWidth
    var start = 0
    while start < end {
      var (y, x) = start.quotientAndRemainder(dividingBy: layout.rowWidth)
      if x >= g.outputWidth {
        (y, x) = (y + 1, 0)
        start = y * layout.rowWidth
      }
      let count = tileCount(end - start)
      call.b = UnsafePointer(frame + start)
      call.columns = Int32(count)
      call.firstRun = Int32(g.outputWidth - x)
      let at = base + y * g.outputWidth + x
      weights.multiply(
        &call, by: packed, group: group, blocks: blocks, output: output + at,
        residual: residual.map { $0 + at }, kernels: kernels)
      start += count
    }
  }

  /// Columns of the next tile: three vectors, or two where that avoids a lone last one.
  private func tileCount(_ left: Int) -> Int {
    let vector = tileWidth / 3
    let needed = (left + vector - 1) / vector
    return min(left, needed == 4 ? 2 * vector : tileWidth)
  }
}
