import CKernels
import Tensors

/// The maximum or the sum of the float32 elements under a sliding window, plane by plane.
///
/// The rows under a row of windows are combined first, then the columns of what they gave. Elements
/// in the padding do not count; a window wholly in the padding gives `−∞` or 0.
public struct WindowPool: @unchecked Sendable {
  /// What becomes of the elements.
  public enum Combination: Sendable {
    case maximum
    case sum
  }

  /// One axis of the window and of the planes.
  public struct Axis: Sendable {
    /// Elements of the input.
    public var input: Int
    /// Elements of the output.
    public var output: Int
    /// Taps of the window.
    public var kernel: Int
    /// Elements from one output to the next.
    public var stride: Int
    /// Elements from one tap to the next.
    public var dilation: Int
    /// Elements of padding before the first.
    public var pad: Int

    /// An axis of the given extents.
    public init(input: Int, output: Int, kernel: Int, stride: Int, dilation: Int, pad: Int) {
      self.input = input
      self.output = output
      self.kernel = kernel
      self.stride = stride
      self.dilation = dilation
      self.pad = pad
    }

    /// From the first tap of the first output to the last of the last.
    var reach: Int { (output - 1) * stride + (kernel - 1) * dilation + 1 }
  }

  private let combination: Combination
  private let rows: Axis
  private let columns: Axis
  private let kernels: UnsafePointer<ck_kernels>

  /// A pool of planes of `rows` × `columns`.
  public init(
    _ combination: Combination, rows: Axis, columns: Axis, instructionSet: InstructionSet = .best
  ) {
    self.combination = combination
    self.rows = rows
    self.columns = columns
    kernels = instructionSet.kernels
  }

  private var bufferBytes: Int { (max(columns.reach, columns.pad) + 64) * 4 / 64 * 64 + 64 }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int { bufferBytes * threads }

  /// Pools `[planes, H, W]` into `[planes, H′, W′]`.
  public func run(
    planes: Int, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let byRows = sharesPixels(rows.output * columns.output, threads: pool.threadCount)
    let parts = min(pool.threadCount, byRows ? rows.output : planes)
    pool.forEach(parts) { part in
      let made = byRows ? share(rows.output, part, parts) : 0..<rows.output
      var call = ck_pool_plane()
      call.buffer = (scratch + part * bufferBytes).assumingMemoryBound(to: Float.self)
      (call.height, call.width) = (Int32(rows.input), Int32(columns.input))
      call.outputWidth = Int32(columns.output)
      (call.firstRow, call.endRow) = (Int32(made.lowerBound), Int32(made.upperBound))
      (call.kernelHeight, call.kernelWidth) = (Int32(rows.kernel), Int32(columns.kernel))
      (call.strideHeight, call.strideWidth) = (Int32(rows.stride), Int32(columns.stride))
      (call.dilationHeight, call.dilationWidth) = (Int32(rows.dilation), Int32(columns.dilation))
      (call.padTop, call.padLeft) = (Int32(rows.pad), Int32(columns.pad))
      call.rowWidth = Int32(columns.reach)
      for plane in byRows ? 0..<planes : share(planes, part, parts) {
        call.input = input + plane * rows.input * columns.input
        call.output = output + plane * rows.output * columns.output
        switch combination {
        case .maximum: kernels.pointee.poolMaximum(&call)
        case .sum: kernels.pointee.poolSum(&call)
        }
      }
    }
  }
}
