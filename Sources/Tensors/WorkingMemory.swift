/// Scratch memory of kernels: zeros at first, aligned to 64 bytes.
///
/// Kernels work in whole vectors, so they also compute unused elements, from bytes that nothing
/// wrote.
public final class WorkingMemory {
  /// The first byte.
  public let base: UnsafeMutableRawPointer

  /// Memory of at least so many bytes.
  public init(byteCount: Int) {
    let byteCount = max(byteCount, 64)
    base = .allocate(byteCount: byteCount, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit { base.deallocate() }
}
