/// The type of one element of a tensor, in ONNX's vocabulary.
public enum ElementType: String, Sendable, Codable, CaseIterable {
  case float32, float64, float16, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case int4, uint4
  case bool, string
  case complex64, complex128
  case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz

  /// The bits one element takes when elements are packed without gaps; 0 for strings.
  public var bitWidth: Int {
    switch self {
    case .string: 0
    case .int4, .uint4: 4
    case .bool, .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: 8
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64, .complex64: 64
    case .complex128: 128
    }
  }

  /// The bytes that `count` elements take; 4-bit elements are packed two to a byte, low nibble
  /// first.
  public func byteCount(of count: Int) -> Int { (count * bitWidth + 7) / 8 }

  /// Whether elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz:
      true
    default: false
    }
  }

  /// Whether elements are integers.
  public var isInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .int4, .uint4: true
    default: false
    }
  }
}

/// A Swift type with the memory layout of a tensor's elements.
public protocol TensorElement: BitwiseCopyable, Sendable, Equatable {
  /// The element type of tensors that hold these values.
  static var elementType: ElementType { get }
}

extension Float: TensorElement {
  /// `float32`.
  public static var elementType: ElementType { .float32 }
}
extension Double: TensorElement {
  /// `float64`.
  public static var elementType: ElementType { .float64 }
}
extension Float16: TensorElement {
  /// `float16`.
  public static var elementType: ElementType { .float16 }
}
extension Int8: TensorElement {
  /// `int8`.
  public static var elementType: ElementType { .int8 }
}
extension Int16: TensorElement {
  /// `int16`.
  public static var elementType: ElementType { .int16 }
}
extension Int32: TensorElement {
  /// `int32`.
  public static var elementType: ElementType { .int32 }
}
extension Int64: TensorElement {
  /// `int64`.
  public static var elementType: ElementType { .int64 }
}
extension UInt8: TensorElement {
  /// `uint8`.
  public static var elementType: ElementType { .uint8 }
}
extension UInt16: TensorElement {
  /// `uint16`.
  public static var elementType: ElementType { .uint16 }
}
extension UInt32: TensorElement {
  /// `uint32`.
  public static var elementType: ElementType { .uint32 }
}
extension UInt64: TensorElement {
  /// `uint64`.
  public static var elementType: ElementType { .uint64 }
}
extension Bool: TensorElement {
  /// `bool`, one byte each.
  public static var elementType: ElementType { .bool }
}

/// A 16-bit float with float32's exponent: the upper half of a float32's bits.
public struct BFloat16: TensorElement {
  /// The sign, eight exponent and seven fraction bits.
  public var bits: UInt16

  /// The value with the given bits.
  public init(bits: UInt16) { self.bits = bits }

  /// The nearest bfloat16, ties to even; NaN stays NaN.
  public init(_ value: Float) {
    guard !value.isNaN else {
      bits = 0x7fc0
      return
    }
    let pattern = value.bitPattern
    bits = UInt16(truncatingIfNeeded: (pattern &+ 0x7fff &+ ((pattern >> 16) & 1)) >> 16)
  }

  /// `bfloat16`.
  public static var elementType: ElementType { .bfloat16 }

  /// The value as float32, exactly.
  public var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}
