import CKernels

/// Counts of numbers in bins of equal width.
public enum BinCounts {
  /// Adds to `counts[⌊x · scale⌋ + half]`, kept within the first and last bin, for each finite
  /// number.
  ///
  /// - Parameters:
  ///   - numbers: fewer than 2³² of them.
  ///   - scale: one over the width of a bin.
  ///   - counts: 2 · `half`.
  public static func add(
    _ numbers: UnsafeBufferPointer<Float>, scale: Float, half: Int,
    to counts: UnsafeMutableBufferPointer<UInt64>, instructionSet: InstructionSet = .best
  ) {
    precondition(counts.count == 2 * half && numbers.count < UInt32.max)
    let bins = 2 * half + 1
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * bins) { tables in
      tables.update(repeating: 0)
      instructionSet.integerKernels.pointee.histogram(
        numbers.baseAddress, numbers.count, scale, Int32(half), tables.baseAddress)
      for bin in 0..<2 * half {
        let sum = (0..<4).reduce(UInt64(0)) { $0 &+ UInt64(tables[bin &+ $1 &* bins]) }
        counts[bin] &+= sum
      }
    }
  }
}
