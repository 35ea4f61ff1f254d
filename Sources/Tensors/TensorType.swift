/// The element type and the concrete shape of a tensor.
public struct TensorType: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The type of each element.
  public var elementType: ElementType
  /// The extent of each axis, outermost first; empty for a scalar.
  public var shape: [Int]

  /// A type of the given elements and extents.
  public init(_ elementType: ElementType, _ shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
  }

  /// The number of elements; 1 for a scalar.
  public var count: Int { shape.product }
  /// The bytes the elements take.
  public var byteCount: Int { elementType.byteCount(of: count) }

  /// For example `float32[1,3,320,320]`.
  public var description: String { "\(elementType.rawValue)\(shape)".filter { $0 != " " } }
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
