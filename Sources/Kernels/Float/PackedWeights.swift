import CKernels
import Tensors

/// How the weights of a convolution lie in blocks of eight or four output channels, ready for the
/// product kernels.
///
/// A group's weights are blocks `[depth, 8]`, then at most one `[depth, 4]`; missing rows are
/// zeros. The bias follows.
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
  private let groups: Int
  private let depth: Int
  private let rowsPerGroup: Int
  private let weightsPerGroup: Int

  /// The layout for `[O, I / groups, kH, kW]` weights and an `[O]` bias.
  init(_ geometry: ConvolutionGeometry) {
    let rows = geometry.outputChannels / geometry.groups
    depth = geometry.depth
    groups = geometry.groups
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
  }

  private var weightCount: Int { groups * weightsPerGroup }

  /// The elements of packed weights with their bias, which kernels read in whole blocks.
  var count: Int { weightCount + groups * rowsPerGroup + 8 }

  /// Packs weights and a bias, zeros when `nil`.
  func pack(
    _ weights: UnsafePointer<Float>, _ order: WeightOrder, bias: UnsafePointer<Float>?,
    into target: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    pool.forEach(groups * blocks.count) { unit in
      let (group, index) = unit.quotientAndRemainder(dividingBy: blocks.count)
      let block = blocks[index]
      let from = weights + group * order.groupStride + block.firstRow * order.rowStride
      var to = target + group * weightsPerGroup + block.offset
      for outer in 0..<depth / order.taps.count {
        for tap in order.taps {
          let column = from + outer * order.outerStride + tap
          for row in 0..<block.rows { to[row] = column[row * order.rowStride] }
          for row in block.rows..<block.height { to[row] = 0 }
          to += block.height
        }
      }
    }
    let rows = groups * rowsPerGroup
    let packedBias = target + weightCount
    if let bias {
      packedBias.update(from: bias, count: rows)
    } else {
      packedBias.update(repeating: 0, count: rows)
    }
    (packedBias + rows).update(repeating: 0, count: 8)
  }

  /// Multiplies blocks of a group with the tile that `call` describes.
  ///
  /// - Parameters:
  ///   - packed: What ``pack(_:_:bias:into:pool:)`` made.
  ///   - output: Where the first of the group's rows stores its first column; rows are
  ///     `call.cStride` apart.
  ///   - residual: Laid out like the output.
  func multiply(
    _ call: inout ck_gemm_block, by packed: UnsafePointer<Float>, group: Int,
    blocks range: Range<Int>, output: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>?, kernels: UnsafePointer<ck_kernels>
  ) {
    for index in range {
      let block = blocks[index]
      let at = block.firstRow * call.cStride
      call.a = packed + group * weightsPerGroup + block.offset
      call.c = output + at
      call.bias = packed + weightCount + group * rowsPerGroup + block.firstRow
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

/// Where a convolution's weights lie in memory: weight (group g, output row o, input i, tap t) at
/// `g · groupStride + o · rowStride + i · outerStride + taps[t]`.
package struct WeightOrder: Sendable {
  var groupStride: Int
  var rowStride: Int
  var outerStride: Int
  var taps: [Int]

  /// `[O, I / groups, kH, kW]`, as a convolution of the given extents takes them.
  package init(_ g: ConvolutionGeometry) {
    let count = g.kernelHeight * g.kernelWidth
    (groupStride, rowStride, outerStride) = (g.outputChannels / g.groups * g.depth, g.depth, count)
    taps = Array(0..<count)
  }

  /// The weights of convolution `g` with inputs and outputs exchanged, by the given taps.
  init(exchanging g: ConvolutionGeometry, taps: [Int]) {
    let count = g.kernelHeight * g.kernelWidth
    (groupStride, rowStride, outerStride) = (g.outputChannels / g.groups * g.depth, count, g.depth)
    self.taps = taps
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
