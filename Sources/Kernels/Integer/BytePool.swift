import CKernels
import Tensors

/// The largest byte under a sliding window, plane by plane: rows first, then columns.
public struct BytePool: @unchecked Sendable {
  private let rows: WindowPool.Axis
  private let columns: WindowPool.Axis
  private let isSigned: Bool
  private let kernels: UnsafePointer<ck_int8_kernels>

  /// A pool of planes of `rows` × `columns` bytes, `Int8` when signed.
  public init(
    rows: WindowPool.Axis, columns: WindowPool.Axis, isSigned: Bool,
    instructionSet: InstructionSet = .best
  ) {
    (self.rows, self.columns, self.isSigned) = (rows, columns, isSigned)
    kernels = instructionSet.integerKernels
  }

  private var width: Int { max(columns.reach, columns.pad + columns.input) + 64 }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int { 2 * width * threads }

  /// Pools `[planes, H, W]` into `[planes, H′, W′]`.
  public func run(
    planes: Int, input: UnsafeRawPointer, output: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let parts = min(pool.threadCount, planes)
    pool.forEach(parts) { part in
      let row = (scratch + part * 2 * width).assumingMemoryBound(to: UInt8.self)
      for plane in share(planes, part, parts) {
        let source = (input + plane * rows.input * columns.input)
          .assumingMemoryBound(to: UInt8.self)
        let target = (output + plane * rows.output * columns.output)
          .assumingMemoryBound(to: UInt8.self)
        for y in 0..<rows.output {
          combine(y, source, target + y * columns.output, row, row + width)
        }
      }
    }
  }

  private func combine(
    _ y: Int, _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>,
    _ row: UnsafeMutablePointer<UInt8>, _ maxima: UnsafeMutablePointer<UInt8>
  ) {
    let sign: Int32 = isSigned ? 1 : 0
    row.update(repeating: isSigned ? 0x80 : 0, count: width)
    let inner = row + columns.pad
    for tap in 0..<rows.kernel {
      let place = y * rows.stride + tap * rows.dilation - rows.pad
      guard place >= 0, place < rows.input else { continue }
      kernels.pointee.maximum(inner, source + place * columns.input, inner, columns.input, sign)
    }
    let span = (columns.output - 1) * columns.stride + 1
    let result = columns.stride == 1 ? target : maxima
    if columns.kernel == 1 { result.update(from: row, count: span) }
    for tap in 1..<max(columns.kernel, 1) {
      kernels.pointee.maximum(
        tap == 1 ? row : result, row + tap * columns.dilation, result, span, sign)
    }
    guard columns.stride > 1 else { return }
    for x in 0..<columns.output { target[x] = maxima[x * columns.stride] }
  }
}
