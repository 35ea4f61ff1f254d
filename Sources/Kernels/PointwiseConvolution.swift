import CKernels
import Tensors

/// Convolution by 1×1 kernels as one product: packed rows of weights times tiles of the input.
///
/// The plane is cut into tiles of up to three vectors of pixels. The channels under a tile are read where they lie, or,
/// when they would crowd one another out of the first-level cache, from a copy of a strip of neighbouring tiles.
struct PointwiseConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  private let weights: PackedWeights
  private let tileWidth: Int
  private let tiles: [Tile]
  private let readsInput: Bool
  /// Tiles that are copied, and dealt out, together.
  private let tilesPerStrip: Int
  /// The place of each channel of a tile.
  private let offsets: [Int]

  /// Bytes that the copy of a strip should not exceed.
  private static let stripBytes = 24 << 10

  init(
    _ geometry: ConvolutionGeometry, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    self.geometry = geometry
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    self.weights = PackedWeights(geometry, weights: weights, bias: bias)
    let vector = Int(kernels.pointee.vectorLength)
    tileWidth = 3 * vector
    let plane = geometry.outputHeight * geometry.outputWidth
    tiles = Tile.tiles(of: plane, vector: vector)
    readsInput =
      self.weights.blocks.count <= 2
      || Self.fitsCache(rows: geometry.depth, rowBytes: plane * 4, tileBytes: tileWidth * 4)
    let tileBytes = geometry.depth * tileWidth * 4
    tilesPerStrip = readsInput ? 1 : max(1, min(8, Self.stripBytes / tileBytes))
    let stride = readsInput ? plane : tilesPerStrip * tileWidth
    offsets = (0..<geometry.depth).map { $0 * stride }
  }

  /// Whether as many rows of a tile find room side by side in a first-level cache of 64 sets of 8 lines, and their
  /// pages of 4 KiB in the first-level translation buffer.
  static func fitsCache(rows: Int, rowBytes: Int, tileBytes: Int) -> Bool {
    let (sets, ways, line, pages) = (64, 8, 64, 48)
    guard min(rows, rows * rowBytes / 4096 + 1) <= pages else { return false }
    var load = [Int](repeating: 0, count: sets)
    for row in 0..<rows {
      let first = row * rowBytes / line
      let last = (row * rowBytes + tileBytes - 1) / line
      for index in first...last { load[index % sets] += 1 }
    }
    return load.allSatisfy { $0 < ways }
  }

  /// Bytes of one thread's copy of a strip.
  var scratchBytes: Int {
    readsInput ? 0 : (geometry.depth * tilesPerStrip * tileWidth * 4 + 63) / 64 * 64
  }

  private var strips: Int { (tiles.count + tilesPerStrip - 1) / tilesPerStrip }

  func run(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * geometry.groups * strips
    let threads = pool.threadCount
    // Of small planes the threads share the output channels instead.
    let blockCount = weights.blocks.count
    let sharesTiles =
      threads == 1
      || sharesPixels(
        geometry.batch * geometry.outputHeight * geometry.outputWidth, threads: threads)
    let rowParts = sharesTiles ? 1 : min(threads, blockCount)
    let parts = rowParts > 1 ? rowParts : min(threads, units)
    offsets.withUnsafeBufferPointer { offsets in
      guard let offsets = offsets.baseAddress else { return }
      pool.forEach(parts) { part in
        let panel = (scratch + part * scratchBytes).assumingMemoryBound(to: Float.self)
        var call = ck_gemm_block()
        call.offsets = offsets
        call.depth = geometry.depth
        call.cStride = geometry.outputHeight * geometry.outputWidth
        call.activation = epilogue.activation.parameters
        call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
        let blocks = rowParts > 1 ? share(blockCount, part, parts) : 0..<blockCount
        for unit in rowParts > 1 ? 0..<units : share(units, part, parts) {
          run(
            &call, unit: unit, blocks: blocks, input: input, residual: residual, output: output,
            panel: panel)
        }
      }
    }
  }

  private func run(
    _ call: inout ck_gemm_block, unit: Int, blocks: Range<Int>, input: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>,
    panel: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let plane = g.inputHeight * g.inputWidth
    let (image, group) = (unit / strips).quotientAndRemainder(dividingBy: g.groups)
    let first = unit % strips * tilesPerStrip
    let strip = tiles[first..<min(first + tilesPerStrip, tiles.count)]
    let start = tiles[first].start
    let channels = g.inputChannels / g.groups
    let source = input + (image * g.inputChannels + group * channels) * plane + start
    if !readsInput {
      copy(source, count: strip.reduce(0) { $0 + $1.count }, to: panel)
    }
    let rows = g.outputChannels / g.groups
    for tile in strip {
      call.b = (readsInput ? source : UnsafePointer(panel)) + (tile.start - start)
      call.columns = Int32(tile.count)
      call.firstRun = call.columns
      let at = (image * g.outputChannels + group * rows) * plane + tile.start
      weights.multiply(
        &call, group: group, blocks: blocks, output: output + at,
        residual: residual.map { $0 + at }, kernels: kernels)
    }
  }

  private func copy(
    _ source: UnsafePointer<Float>, count: Int, to panel: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    var frame = ck_frame()
    frame.input = source
    frame.output = panel
    frame.height = 1
    frame.width = g.inputHeight * g.inputWidth
    (frame.strideHeight, frame.strideWidth) = (1, 1)
    (frame.rowPhases, frame.columnPhases, frame.rows) = (1, 1, 1)
    frame.rowWidth = count
    frame.channelStride = tilesPerStrip * tileWidth
    frame.channels = g.depth
    kernels.pointee.fillFrame(&frame)
  }
}
