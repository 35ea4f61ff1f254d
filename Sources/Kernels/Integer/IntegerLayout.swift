import CKernels
import Tensors

/// How an integer convolution lays out one group of its input: positions of four channels, padded
/// and split into the strides' phases, so that the pixels under any tap lie side by side.
///
/// Output pixel `(y, x)` is position `y · pitch + x`; positions between the rows are computed too
/// and dropped.
struct IntegerLayout: Sendable {
  /// Positions in a row of one phase.
  let pitch: Int
  /// Positions from the first to the last output pixel.
  let positions: Int
  /// The bytes of four channels, all phases.
  let imageBytes: Int
  /// Where each step's input lies, in bytes from the pixel's position.
  let offsets: [Int]
  /// The pixels of one output plane.
  let outputArea: Int
  /// Blocks of output channels in a group.
  let blocks: Int
  private let outputWidth: Int
  private let phaseRows: Int
  private let channels: Int
  private let source: ConvolutionGeometry

  init(_ geometry: ConvolutionGeometry) {
    var source = geometry
    if geometry.isPointwise {
      // One long row.
      source.inputWidth = geometry.inputHeight * geometry.inputWidth
      source.inputHeight = 1
    }
    self.source = source
    let rows = max(
      source.inputHeight + source.padTop,
      (source.outputHeight - 1) * source.strideHeight + source.dilationHeight
        * (source.kernelHeight - 1) + 1)
    let columns = max(
      source.inputWidth + source.padLeft,
      (source.outputWidth - 1) * source.strideWidth + source.dilationWidth
        * (source.kernelWidth - 1) + 1)
    pitch = (columns + source.strideWidth - 1) / source.strideWidth
    phaseRows = (rows + source.strideHeight - 1) / source.strideHeight
    outputWidth = source.outputWidth
    outputArea = source.outputHeight * source.outputWidth
    positions = (source.outputHeight - 1) * pitch + outputWidth
    channels = geometry.inputChannels / geometry.groups
    blocks =
      (geometry.outputChannels / geometry.groups + IntegerConvolution.rows - 1)
      / IntegerConvolution.rows
    let phaseBytes = 4 * pitch * phaseRows
    imageBytes = phaseBytes * source.strideHeight * source.strideWidth
    var offsets: [Int] = []
    for block in 0..<(channels + 3) / 4 {
      for tapY in 0..<source.kernelHeight {
        for tapX in 0..<source.kernelWidth {
          let (row, rowPhase) = (tapY * source.dilationHeight).quotientAndRemainder(
            dividingBy: source.strideHeight)
          let (column, columnPhase) = (tapX * source.dilationWidth).quotientAndRemainder(
            dividingBy: source.strideWidth)
          offsets.append(
            block * imageBytes + (rowPhase * source.strideWidth + columnPhase) * phaseBytes
              + 4 * (row * pitch + column))
        }
      }
    }
    self.offsets = offsets
    // Tiles are read in whole vectors, which end where a whole tile does at the latest.
    let last = (offsets.max() ?? 0) + 4 * (positions - 1)
    geometry.requireRoom(
      for: last + 4, in: imageBytes * ((channels + 3) / 4), "group of bytes")
    geometry.requireRoom(
      for: last + 4 * IntegerConvolution.columns, in: packedBytes, "packed group of bytes")
    geometry.requireRoom(
      for: source.inputWidth + source.padLeft, in: source.strideWidth * pitch, "row of bytes")
  }

  /// The bytes of a whole group.
  var packedBytes: Int { imageBytes * ((channels + 3) / 4) + 64 * IntegerConvolution.columns }
  /// The bytes of one thread's rows while packing.
  var packBufferBytes: Int { Self.aligned(5 * (source.strideWidth * pitch + 64)) }

  /// The parts that threads share: several each, of which one that is held up leaves some to the
  /// others.
  static func parts(threads: Int) -> Int { threads == 1 ? 1 : 4 * threads }

  static func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

  /// Lays out one group of one image.
  func pack(
    _ input: UnsafeRawPointer, flip: UInt8, zero: UInt8, to output: UnsafeMutableRawPointer,
    kernels: UnsafePointer<ck_int8_kernels>, pool: ThreadPool
  ) {
    let area = source.inputHeight * source.inputWidth
    let blocks = (channels + 3) / 4
    let parts = min(pool.threadCount, blocks)
    let buffers = output + Self.aligned(packedBytes)
    pool.forEach(parts) { part in
      for block in blocks * part / parts..<blocks * (part + 1) / parts {
        var pack = ck_int8_pack(
          input: (input + 4 * block * area).assumingMemoryBound(to: UInt8.self),
          output: (output + block * imageBytes).assumingMemoryBound(to: UInt8.self),
          buffer: (buffers + part * packBufferBytes).assumingMemoryBound(to: UInt8.self),
          height: source.inputHeight, width: source.inputWidth, padTop: source.padTop,
          padLeft: source.padLeft, strideHeight: source.strideHeight,
          strideWidth: source.strideWidth, rows: phaseRows, pitch: pitch,
          channels: Int32(min(4, channels - 4 * block)), zero: zero, flip: flip)
        kernels.pointee.packChannels(&pack)
      }
    }
  }

  /// Lists the runs of kept pixels of a tile in the given memory, which has room for one a pixel.
  func runs(
    start: Int, count: Int, in memory: UnsafeMutableRawPointer
  ) -> UnsafeBufferPointer<ck_int8_run> {
    let runs = memory.bindMemory(to: ck_int8_run.self, capacity: count)
    var (row, column) = start.quotientAndRemainder(dividingBy: pitch)
    var (place, found) = (0, 0)
    while place < count {
      let length = min(outputWidth - column, count - place)
      if length > 0 {
        runs[found] = ck_int8_run(
          place: Int32(place), count: Int32(length), pixel: row * outputWidth + column)
        found += 1
      }
      place += pitch - column
      row += 1
      column = 0
    }
    return UnsafeBufferPointer(start: runs, count: found)
  }
}

/// Packed constants that live as long as a kernel.
final class PackedBytes: @unchecked Sendable {
  let base: UnsafeMutableRawPointer

  init(count: Int) {
    base = .allocate(byteCount: count + 256, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: count + 256)
  }

  convenience init<Element: BitwiseCopyable>(copying elements: [Element]) {
    self.init(count: elements.count * MemoryLayout<Element>.stride)
    base.initializeMemory(as: Element.self, from: elements, count: elements.count)
  }

  deinit { base.deallocate() }
}
