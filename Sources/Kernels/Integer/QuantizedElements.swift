import CKernels
import Tensors

/// Maps between floats and 8-bit integers over runs of memory.
public enum QuantizedElements {
  /// Elements below which a map stays in one part.
  private static let grain = 1 << 15

  /// Quantises `count` floats with one scale; see `QuantizationParameters`.
  ///
  /// - Parameter isSigned: whether the results are `Int8`, not `UInt8`.
  public static func quantize(
    _ x: UnsafePointer<Float>, to y: UnsafeMutableRawPointer, count: Int,
    _ parameters: QuantizationParameters, isSigned: Bool, pool: ThreadPool
  ) {
    forEachPart(count, pool) { range in
      quantizeRun(
        x + range.lowerBound, to: y + range.lowerBound, count: range.count, parameters,
        isSigned: isSigned)
    }
  }

  /// The same on the calling thread.
  public static func quantizeRun(
    _ x: UnsafePointer<Float>, to y: UnsafeMutableRawPointer, count: Int,
    _ parameters: QuantizationParameters, isSigned: Bool,
    instructionSet: InstructionSet = .best
  ) {
    instructionSet.integerKernels.pointee.quantize(
      x, y.assumingMemoryBound(to: UInt8.self), count, parameters.scale, parameters.zeroPoint,
      isSigned ? 1 : 0)
  }

  /// The floats of `count` integers of one scale; see `QuantizationParameters`.
  ///
  /// - Parameter isSigned: whether the integers are `Int8`, not `UInt8`.
  public static func dequantize(
    _ x: UnsafeRawPointer, to y: UnsafeMutablePointer<Float>, count: Int,
    _ parameters: QuantizationParameters, isSigned: Bool, pool: ThreadPool
  ) {
    forEachPart(count, pool) { range in
      dequantizeRun(
        x + range.lowerBound, to: y + range.lowerBound, count: range.count, parameters,
        isSigned: isSigned)
    }
  }

  /// The same on the calling thread.
  public static func dequantizeRun(
    _ x: UnsafeRawPointer, to y: UnsafeMutablePointer<Float>, count: Int,
    _ parameters: QuantizationParameters, isSigned: Bool,
    instructionSet: InstructionSet = .best
  ) {
    instructionSet.integerKernels.pointee.dequantize(
      x.assumingMemoryBound(to: UInt8.self), y, count, parameters.scale, parameters.zeroPoint,
      isSigned ? 1 : 0)
  }

  /// The smallest and largest of `count` elements; 0 for none.
  public static func range(
    _ x: UnsafePointer<Float>, count: Int, pool: ThreadPool
  ) -> ClosedRange<Float> {
    guard count > 0 else { return 0...0 }
    let kernels = InstructionSet.best.integerKernels
    let parts = max(1, min(8, count / grain))
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 16) { bounds in
      guard let base = bounds.baseAddress else { return 0...0 }
      pool.forEach(parts) { part in
        let range = count * part / parts..<count * (part + 1) / parts
        kernels.pointee.range(
          x + range.lowerBound, range.count, base + 2 * part, base + 2 * part + 1)
      }
      var (lowest, highest) = (base[0], base[1])
      for part in 1..<max(parts, 1) {
        lowest = min(lowest, base[2 * part])
        highest = max(highest, base[2 * part + 1])
      }
      return lowest <= highest ? lowest...highest : 0...0
    }
  }

  /// What a table of 256 bytes makes of each of `count` bytes.
  public static func lookUp(
    _ x: UnsafeRawPointer, in table: UnsafeRawPointer, to y: UnsafeMutableRawPointer, count: Int,
    pool: ThreadPool, instructionSet: InstructionSet = .best
  ) {
    let kernels = instructionSet.integerKernels
    withUnsafeTemporaryAllocation(byteCount: ByteLookup.bytes, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      let lookup = ByteLookup(table, in: base)
      forEachPart(count, pool) { range in
        kernels.pointee.table(
          (x + range.lowerBound).assumingMemoryBound(to: UInt8.self), lookup.table,
          (y + range.lowerBound).assumingMemoryBound(to: UInt8.self), range.count)
      }
    }
  }

  private static func forEachPart(
    _ count: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void
  ) {
    let parts = max(1, min(pool.threadCount, count / grain))
    pool.forEach(parts) { part in body(count * part / parts..<count * (part + 1) / parts) }
  }
}
