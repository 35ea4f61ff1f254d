import CKernels

/// The weights of a convolution as blocks of eight or four output channels, ready for the product kernels.
///
/// A group's weights are blocks `[depth, 8]`, then at most one `[depth, 4]`; missing rows are zeros.
struct PackedWeights: Sendable {
  /// Rows of a group's output channels that one kernel call makes.
  struct Block: Sendable {
    var firstRow: Int
    var rows: Int
    var height: Int
    var offset: Int
  }

  /// The blocks of each group.
  let blocks: [Block]
  private let packed: PackedFloats
  private let bias: PackedFloats
  private let rowsPerGroup: Int
  private let weightsPerGroup: Int

  /// Packs `[O, I / groups, kH, kW]` weights and an `[O]` bias, zeros when `nil`.
  init(
    _ geometry: ConvolutionGeometry, weights: UnsafePointer<Float>,
    bias source: UnsafePointer<Float>?
  ) {
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
    rowsPerGroup = rows
    weightsPerGroup = offset
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
  }

  /// Multiplies blocks of a group with the tile that `call` describes.
  ///
  /// - Parameters:
  ///   - output: Where the first of the group's rows stores its first column; rows are `call.cStride` apart.
  ///   - residual: Laid out like the output.
  func multiply(
    _ call: inout ck_gemm_block, group: Int, blocks range: Range<Int>,
    output: UnsafeMutablePointer<Float>, residual: UnsafePointer<Float>?,
    kernels: UnsafePointer<ck_kernels>
  ) {
    for index in range {
      let block = blocks[index]
      let at = block.firstRow * call.cStride
      call.a = UnsafePointer(packed.base + group * weightsPerGroup + block.offset)
      call.c = output + at
      call.bias = UnsafePointer(bias.base + group * rowsPerGroup + block.firstRow)
      call.residual = residual.map { $0 + at }
      call.rows = Int32(block.rows)
      if block.height == 8 {
        kernels.pointee.gemmBlock8(&call)
      } else {
        kernels.pointee.gemmBlock4(&call)
      }
    }
  }
}

/// Columns of a product that are made together.
struct Tile: Sendable {
  var start: Int
  var count: Int

  /// Tiles of three vectors; what is left over is spread so that no tile is left with a lone one.
  static func tiles(of columns: Int, vector: Int) -> [Tile] {
    var tiles: [Tile] = []
    var start = 0
    while start < columns {
      let left = (columns - start + vector - 1) / vector
      let take = left == 4 ? 2 : min(3, left)
      let count = min(take * vector, columns - start)
      tiles.append(Tile(start: start, count: count))
      start += count
    }
    return tiles
  }
}

/// The part of `count` things that falls to one of `parts` equal workers.
func share(_ count: Int, _ part: Int, _ parts: Int) -> Range<Int> {
  count * part / parts..<count * (part + 1) / parts
}

/// Whether threads share the pixels of planes this large rather than their channels.
func sharesPixels(_ pixels: Int, threads: Int) -> Bool { pixels >= 4 * 48 * threads }
