import Foundation
import Tensors

/// Memory between two pages that nobody may touch: a step beyond its end, or before its start, ends
/// the process at once.
///
/// Which of the two is caught at the very byte is chosen by ``Edge``; on the other side the rest of
/// a page lies between, whose bytes ``isIntact`` looks after.
public final class GuardedMemory {
  /// The edge that lies at a forbidden page.
  public enum Edge: Sendable, CaseIterable {
    case start
    case end
  }

  /// The first byte.
  public let base: UnsafeMutableRawPointer
  private let pages: UnsafeMutableRawBufferPointer
  private let byteCount: Int
  private let mapping: UnsafeMutableRawBufferPointer

  /// What all bytes hold at first, so that floats are NaN.
  private static let filling: UInt8 = 0xff

  /// Memory of so many bytes.
  ///
  /// - Parameters:
  ///   - slack: Bytes beyond the end that may be read, but not written.
  ///   - alignment: Of the first byte, a power of two.
  ///   - edge: The edge that lies at a forbidden page, as closely as the alignment allows.
  public init(byteCount: Int, slack: Int = 0, alignment: Int = 1, edge: Edge) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let taken = (byteCount + slack + alignment - 1) / alignment * alignment
    let inner = max(1, (taken + page - 1) / page) * page
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let start = mmap(nil, inner + 2 * page, PROT_NONE, flags, -1, 0), start != MAP_FAILED,
      mprotect(start + page, inner, PROT_READ | PROT_WRITE) == 0
    else { preconditionFailure("no memory for \(byteCount) bytes between guards") }
    self.byteCount = byteCount
    mapping = UnsafeMutableRawBufferPointer(start: start, count: inner + 2 * page)
    pages = UnsafeMutableRawBufferPointer(start: start + page, count: inner)
    pages.initializeMemory(as: UInt8.self, repeating: Self.filling)
    base = start + page + (edge == .start ? 0 : inner - taken)
  }

  /// A copy of the given elements.
  public convenience init<Element: BitwiseCopyable>(
    copying elements: [Element], slack: Int = 0, edge: Edge
  ) {
    let stride = MemoryLayout<Element>.stride
    self.init(byteCount: elements.count * stride, slack: slack, alignment: stride, edge: edge)
    elements.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(start: base, count: byteCount).copyMemory(from: source)
    }
  }

  /// Room for the elements of a type, holding NaN where they are floats.
  public convenience init<Element: BitwiseCopyable>(
    of: Element.Type, count: Int, edge: Edge
  ) {
    let stride = MemoryLayout<Element>.stride
    self.init(byteCount: count * stride, alignment: stride, edge: edge)
  }

  /// Working memory as sessions give it, aligned to 64 bytes.
  public static func scratch(_ byteCount: Int, edge: Edge) -> GuardedMemory {
    GuardedMemory(byteCount: byteCount, alignment: 64, edge: edge)
  }

  deinit { munmap(mapping.baseAddress, mapping.count) }

  /// The memory as elements of a type.
  public func pointer<Element>(as: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    base.assumingMemoryBound(to: Element.self)
  }

  /// Copies of the elements.
  public func elements<Element>(as: Element.Type = Element.self) -> [Element] {
    Array(
      UnsafeBufferPointer(
        start: base.assumingMemoryBound(to: Element.self),
        count: byteCount / MemoryLayout<Element>.stride))
  }

  /// Whether nobody wrote to the bytes around the memory.
  public var isIntact: Bool {
    guard let first = pages.baseAddress else { return false }
    let start = base - first
    return pages[..<start].allSatisfy { $0 == Self.filling }
      && pages[(start + byteCount)...].allSatisfy { $0 == Self.filling }
  }
}
