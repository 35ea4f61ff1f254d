import CKernels
import Tensors

/// Convolution as a product: packed rows of weights times tiles of the unfolded input.
///
/// The output plane is cut into tiles of up to three vectors of pixels. For each tile the input under every tap is copied
/// into a panel `[depth, tile]` (1×1 convolutions read the input itself when it is worth it), which all blocks of eight or
/// four output channels then share while it is in the cache.
struct TiledConvolution: @unchecked Sendable {
  let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  /// Groups of blocks of `[depth, 8]` weights, then at most one of `[depth, 4]`.
  private let packed: PackedFloats
  private let bias: PackedFloats
  private let blocks: [Block]
  private let tileWidth: Int
  private let tiles: [Tile]

  /// Rows of a group's output channels that one kernel call makes.
  private struct Block: Sendable {
    var firstRow: Int
    var rows: Int
    var height: Int
    var offset: Int
  }

  /// Pixels of the output plane that are made together.
  private struct Tile: Sendable {
    var start: Int
    var count: Int
  }

  init(
    _ geometry: ConvolutionGeometry, weights: UnsafePointer<Float>,
    bias source: UnsafePointer<Float>?, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    self.geometry = geometry
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    let vector = Int(kernels.pointee.vectorLength)
    tileWidth = 3 * vector
    let rows = geometry.outputChannels / geometry.groups
    let depth = geometry.depth
    var blocks: [Block] = []
    var row = 0
    var offset = 0
    while row < rows {
      let height = rows - row > 4 ? 8 : 4
      blocks.append(
        Block(firstRow: row, rows: min(height, rows - row), height: height, offset: offset))
      row += height
      offset += height * depth
    }
    self.blocks = blocks
    packed = PackedFloats(count: offset * geometry.groups)
    bias = PackedFloats(count: geometry.outputChannels)
    if let source { bias.base.update(from: source, count: geometry.outputChannels) }
    for group in 0..<geometry.groups {
      for block in blocks {
        let target = packed.base + group * offset + block.offset
        for r in 0..<block.rows {
          let from = weights + (group * rows + block.firstRow + r) * depth
          for k in 0..<depth { target[k * block.height + r] = from[k] }
        }
      }
    }
    tiles = Self.tiles(of: geometry.outputHeight * geometry.outputWidth, vector: vector)
  }

  /// Tiles of three vectors; what is left over is spread so that no tile is left with a lone one.
  private static func tiles(of pixels: Int, vector: Int) -> [Tile] {
    var tiles: [Tile] = []
    var start = 0
    while start < pixels {
      let left = (pixels - start + vector - 1) / vector
      let take = left == 4 ? 2 : min(3, left)
      let count = min(take * vector, pixels - start)
      tiles.append(Tile(start: start, count: count))
      start += count
    }
    return tiles
  }

  private var weightsPerGroup: Int { packed.count / geometry.groups }

  /// Whether the input serves as the panel itself: nothing to unfold, and too few rows to repay a copy.
  private var readsInput: Bool {
    geometry.isPointwise && blocks.count <= 2
  }

  /// Bytes of one thread's panel.
  var scratchBytes: Int { (geometry.depth * tileWidth * 4 + 63) / 64 * 64 }

  func run(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * geometry.groups * tiles.count
    let threads = pool.threadCount
    // With few tiles the threads share each one's rows instead, and unfold it each for itself.
    let rowParts = units >= 4 * threads || threads == 1 ? 1 : min(threads, blocks.count)
    let parts = rowParts > 1 ? rowParts : min(threads, units)
    pool.forEach(parts) { part in
      let panel = (scratch + part * scratchBytes).assumingMemoryBound(to: Float.self)
      let tileRange = rowParts > 1 ? 0..<units : Self.share(units, part, parts)
      let blockRange = rowParts > 1 ? Self.share(blocks.count, part, parts) : 0..<blocks.count
      for unit in tileRange {
        run(
          unit: unit, blockRange: blockRange, input: input, residual: residual, output: output,
          panel: panel)
      }
    }
  }

  private static func share(_ count: Int, _ part: Int, _ parts: Int) -> Range<Int> {
    count * part / parts..<count * (part + 1) / parts
  }

  private func run(
    unit: Int, blockRange: Range<Int>, input: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>,
    panel: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let plane = g.inputHeight * g.inputWidth
    let pixels = g.outputHeight * g.outputWidth
    let (image, group) = (unit / tiles.count).quotientAndRemainder(dividingBy: g.groups)
    let tile = tiles[unit % tiles.count]
    let channels = g.inputChannels / g.groups
    let source = input + (image * g.inputChannels + group * channels) * plane
    let firstRow = group * (g.outputChannels / g.groups)
    var call = ck_gemm_block()
    call.depth = g.depth
    call.cStride = pixels
    call.columns = Int32(tile.count)
    call.activation = epilogue.activation.parameters
    call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
    if readsInput {
      call.b = source + tile.start
      call.bStride = plane
    } else {
      unfold(source, start: tile.start, count: tile.count, into: panel)
      call.b = UnsafePointer(panel)
      call.bStride = tileWidth
    }
    for index in blockRange {
      let block = blocks[index]
      let row = firstRow + block.firstRow
      let at = (image * g.outputChannels + row) * pixels + tile.start
      call.a = UnsafePointer(packed.base + group * weightsPerGroup + block.offset)
      call.c = output + at
      call.bias = UnsafePointer(bias.base + row)
      call.residual = residual.map { $0 + at }
      call.rows = Int32(block.rows)
      if block.height == 8 {
        kernels.pointee.gemmBlock8(&call)
      } else {
        kernels.pointee.gemmBlock4(&call)
      }
    }
  }

  // MARK: Unfolding

  /// Copies what lies under each tap of the tile's pixels into `panel`, `[depth, tileWidth]`.
  private func unfold(
    _ source: UnsafePointer<Float>, start: Int, count: Int, into panel: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let plane = g.inputHeight * g.inputWidth
    let channels = g.inputChannels / g.groups
    if g.isPointwise {
      for channel in 0..<channels {
        (panel + channel * tileWidth).update(
          from: source + channel * plane + start, count: count)
      }
      return
    }
    let taps = g.kernelHeight * g.kernelWidth
    var pixel = start
    let width = g.outputWidth
    while pixel < start + count {
      let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
      let run = min(width - x, start + count - pixel)
      for tapRow in 0..<g.kernelHeight {
        let inputRow = y * g.strideHeight + tapRow * g.dilationHeight - g.padTop
        for tapColumn in 0..<g.kernelWidth {
          let tap = tapRow * g.kernelWidth + tapColumn
          let target = panel + tap * tileWidth + (pixel - start)
          unfoldRun(
            source + inputRow * g.inputWidth, isInside: (0..<g.inputHeight).contains(inputRow),
            column: x * g.strideWidth + tapColumn * g.dilationWidth - g.padLeft, run: run,
            channels: channels, plane: plane, target: target, targetStride: taps * tileWidth)
        }
      }
      pixel += run
    }
  }

  /// Copies one run of pixels of one tap, for every channel.
  @inline(__always)
  private func unfoldRun(
    _ row: UnsafePointer<Float>, isInside: Bool, column: Int, run: Int, channels: Int,
    plane: Int, target: UnsafeMutablePointer<Float>, targetStride: Int
  ) {
    let stride = geometry.strideWidth
    guard isInside else {
      for channel in 0..<channels {
        (target + channel * targetStride).update(repeating: 0, count: run)
      }
      return
    }
    let left = min(run, column >= 0 ? 0 : (-column + stride - 1) / stride)
    let room = geometry.inputWidth - column
    let inside = max(left, min(run, room <= 0 ? 0 : (room + stride - 1) / stride))
    for channel in 0..<channels {
      let to = target + channel * targetStride
      let from = row + channel * plane + column
      for index in 0..<left { to[index] = 0 }
      if stride == 1 {
        for index in left..<inside { to[index] = from[index] }
      } else {
        for index in left..<inside { to[index] = from[index * stride] }
      }
      for index in inside..<run { to[index] = 0 }
    }
  }
}
