/// A typed view of memory that somebody else keeps alive: what kernels read and write.
public struct TensorView: @unchecked Sendable {
  /// The element type and shape; elements lie densely in row-major order.
  public var type: TensorType
  /// The first element.
  public var base: UnsafeMutableRawPointer

  /// A view of `type.byteCount` bytes from `base` on.
  public init(type: TensorType, base: UnsafeMutableRawPointer) {
    self.type = type
    self.base = base
  }

  /// The extent of each axis.
  public var shape: [Int] { type.shape }
  /// The type of each element.
  public var elementType: ElementType { type.elementType }
  /// The number of elements.
  public var count: Int { type.count }
  /// The memory.
  public var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base, count: type.byteCount)
  }

  /// The elements.
  ///
  /// - Precondition: `Element` is the type the view shows.
  @inlinable
  public func elements<Element: TensorElement>(
    as: Element.Type = Element.self
  ) -> UnsafeMutableBufferPointer<Element> {
    precondition(type.elementType == Element.elementType, "\(type) viewed as \(Element.self)")
    return UnsafeMutableBufferPointer(
      start: base.assumingMemoryBound(to: Element.self), count: type.count)
  }
}
