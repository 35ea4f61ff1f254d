/// A dense, row-major array of numbers (or strings) with value semantics.
///
/// Copies share memory until one of them is written to. The first element is aligned to 64 bytes.
public struct Tensor: @unchecked Sendable {
  /// The element type and shape.
  public private(set) var type: TensorType
  private var storage: TensorStorage

  /// A tensor of zeros (empty strings, `false`).
  public init(zeros type: TensorType) {
    self.init(uninitialized: type)
    storage.base.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
  }

  /// A tensor whose elements are undefined until written.
  public init(uninitialized type: TensorType) {
    self.type = type
    storage = TensorStorage(byteCount: type.byteCount)
    if type.elementType == .string {
      storage.strings = Array(repeating: [], count: type.count)
    }
  }

  /// A tensor of the given elements in row-major order.
  ///
  /// - Precondition: `shape` has as many elements as `elements`.
  public init<Element: TensorElement>(_ elements: [Element], shape: [Int]) {
    precondition(elements.count == shape.product, "\(elements.count) elements for shape \(shape)")
    self.init(uninitialized: TensorType(Element.elementType, shape))
    elements.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(start: storage.base, count: storage.byteCount)
        .copyMemory(from: source)
    }
  }

  /// A vector of the given elements.
  public init<Element: TensorElement>(_ elements: [Element]) {
    self.init(elements, shape: [elements.count])
  }

  /// A tensor of rank 0.
  public init<Element: TensorElement>(scalar: Element) {
    self.init([scalar], shape: [])
  }

  /// A tensor over a copy of raw little-endian bytes.
  ///
  /// - Precondition: `bytes` has exactly `type.byteCount` bytes and `type` is not a string type.
  public init(bytes: UnsafeRawBufferPointer, type: TensorType) {
    precondition(bytes.count == type.byteCount && type.elementType != .string)
    self.init(uninitialized: type)
    UnsafeMutableRawBufferPointer(start: storage.base, count: storage.byteCount)
      .copyMemory(from: bytes)
  }

  /// A tensor of byte strings, UTF-8 by ONNX's convention.
  ///
  /// - Precondition: `shape` has as many elements as `strings`.
  public init(strings: [[UInt8]], shape: [Int]) {
    precondition(strings.count == shape.product)
    type = TensorType(.string, shape)
    storage = TensorStorage(byteCount: 0)
    storage.strings = strings
  }

  /// A copy of the memory behind a view.
  public init(copying view: TensorView) {
    self.init(bytes: UnsafeRawBufferPointer(view.bytes), type: view.type)
  }

  /// The extent of each axis.
  public var shape: [Int] { type.shape }
  /// The type of each element.
  public var elementType: ElementType { type.elementType }
  /// The number of elements.
  public var count: Int { type.count }
  /// The bytes the elements take.
  public var byteCount: Int { storage.byteCount }
  /// The elements of a string tensor; empty otherwise.
  public var strings: [[UInt8]] { storage.strings }

  /// Calls `body` with the elements' bytes.
  @inlinable
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rawBytes))
  }

  /// Calls `body` with the elements.
  ///
  /// - Precondition: `Element` is the type the tensor holds.
  @inlinable
  public func withUnsafeElements<Element: TensorElement, Result, Failure: Error>(
    as: Element.Type = Element.self,
    _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(elementType == Element.elementType, "\(type) read as \(Element.self)")
    return try body(UnsafeBufferPointer(rawBytes.assumingMemoryBound(to: Element.self)))
  }

  /// Calls `body` with the elements for writing; the memory is first made this tensor's own.
  ///
  /// - Precondition: `Element` is the type the tensor holds.
  @inlinable
  public mutating func withUnsafeMutableElements<Element: TensorElement, Result, Failure: Error>(
    as: Element.Type = Element.self,
    _ body: (UnsafeMutableBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(elementType == Element.elementType, "\(type) written as \(Element.self)")
    makeUnique()
    return try body(rawBytes.assumingMemoryBound(to: Element.self))
  }

  /// The elements in row-major order.
  ///
  /// - Precondition: `Element` is the type the tensor holds.
  public func elements<Element: TensorElement>(as: Element.Type = Element.self) -> [Element] {
    withUnsafeElements(as: Element.self) { Array($0) }
  }

  /// The same elements under another shape; memory is shared.
  ///
  /// - Precondition: `shape` has as many elements.
  public func reshaped(to shape: [Int]) -> Tensor {
    precondition(shape.product == count, "\(type) cannot take shape \(shape)")
    var result = self
    result.type.shape = shape
    return result
  }

  /// A view of the memory, valid while this tensor lives and is not written to.
  public var view: TensorView { TensorView(type: type, base: storage.base) }

  /// The memory, shared with every copy of this tensor.
  public var rawBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: storage.base, count: storage.byteCount)
  }

  /// Gives this tensor memory that no copy shares.
  public mutating func makeUnique() {
    guard !isKnownUniquelyReferenced(&storage) else { return }
    storage = storage.copy()
  }
}

extension Tensor: Equatable {
  /// Whether types and bytes agree.
  ///
  /// A NaN equals the NaN of the same bits, and 0 differs from −0.
  public static func == (lhs: Tensor, rhs: Tensor) -> Bool {
    guard lhs.type == rhs.type else { return false }
    if lhs.storage === rhs.storage { return true }
    guard lhs.elementType != .string else { return lhs.strings == rhs.strings }
    return lhs.withUnsafeBytes { a in rhs.withUnsafeBytes { b in a.elementsEqual(b) } }
  }
}

final class TensorStorage {
  /// Bytes that vector kernels may read beyond the last element.
  static let slack = 256
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  var strings: [[UInt8]] = []

  init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: byteCount + Self.slack, alignment: 64)
  }

  func copy() -> TensorStorage {
    let copy = TensorStorage(byteCount: byteCount)
    copy.base.copyMemory(from: base, byteCount: byteCount)
    copy.strings = strings
    return copy
  }

  deinit { base.deallocate() }
}
