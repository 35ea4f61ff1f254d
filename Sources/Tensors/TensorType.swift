/// The element type and the concrete shape of a tensor.
///
/// Types whose extents come from files, options or shape rules are made by ``init(checking:_:)``.
/// Nothing that is later computed from their extents overflows.
public struct TensorType: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The type of each element.
  public var elementType: ElementType
  /// The extent of each axis, outermost first; empty for a scalar.
  public var shape: [Int]

  /// The most bytes one value may take.
  public static let largestByteCount = 1 << 34

  /// A type of the given elements and extents, which are known to be valid.
  public init(_ elementType: ElementType, _ shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
  }

  /// A type whose size has been checked.
  ///
  /// An empty axis counts as one element here, so that products of any of the extents fit too.
  ///
  /// - Throws: ``SizeError`` when an extent is negative or the elements would take more than
  ///   ``largestByteCount`` bytes.
  public init(checking elementType: ElementType, _ shape: [Int]) throws(SizeError) {
    guard shape.allSatisfy({ $0 >= 0 }) else { throw SizeError.negative(shape) }
    let bits = CheckedInteger(max(elementType.bitWidth, 1))
    let bytes = shape.lazy.map { Swift.max($0, 1) }.checkedProduct * bits / 8
    guard let bytes = bytes.value, bytes <= Self.largestByteCount else {
      throw SizeError.tooLarge(elementType, shape)
    }
    self.init(elementType, shape)
  }

  /// The number of elements; 1 for a scalar.
  public var count: Int { shape.product }
  /// The bytes the elements take.
  public var byteCount: Int { elementType.byteCount(of: count) }

  /// For example `float32[1,3,320,320]`.
  public var description: String { "\(elementType.rawValue)\(shape)".filter { $0 != " " } }
}

/// Why extents are not the shape of a tensor.
public enum SizeError: Error, Equatable, CustomStringConvertible {
  /// An extent below 0.
  case negative([Int])
  /// More bytes than ``TensorType/largestByteCount``.
  case tooLarge(ElementType, [Int])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .negative(let shape): "a value of shape \(shape), with a negative extent, cannot be"
    case .tooLarge(let type, let shape):
      "a value as large as \(TensorType(type, shape)) is not computed: it takes more than "
        + ByteText.text(TensorType.largestByteCount)
    }
  }
}

extension Collection<Int> {
  /// The product of all elements; 1 when there are none.
  public var product: Int { reduce(1, *) }
}

extension [Int] {
  /// The row-major stride of each axis, in elements.
  public var contiguousStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * self[axis + 1]
    }
    return strides
  }
}
