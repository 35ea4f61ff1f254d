import Tensors

/// Conversions between types of numbers, as ONNX Runtime does them on x86.
enum NumberConversion {
  /// The whole part of a real; a number that does not fit is cut to its low bits.
  ///
  /// Floats are first brought to 32 or 64 bits, where those that do not fit and NaN become the
  /// lowest number.
  @inline(__always)
  static func whole<Number: FixedWidthInteger>(_ value: Double) -> Number {
    if Number.self == UInt64.self, value >= 0x1p63, value < 0x1p64 {
      return Number(truncatingIfNeeded: UInt64(value))
    }
    if Number.bitWidth == 64 || Number.bitWidth == 32 && !Number.isSigned {
      return Number(
        truncatingIfNeeded: value >= -0x1p63 && value < 0x1p63 ? Int64(value) : Int64.min)
    }
    return Number(
      truncatingIfNeeded: value > -0x1.00000002p31 && value < 0x1p31 ? Int32(value) : Int32.min)
  }

  /// One element of a view of numbers of at least 8 bits or of truth values.
  static func double(_ view: TensorView, _ index: Int) -> Double {
    switch view.elementType {
    case .float32: Double(view.words(as: Float.self)[index])
    case .float64: view.words(as: Double.self)[index]
    case .float16: Double(view.words(as: Float16.self)[index])
    case .bfloat16: Double(view.words(as: BFloat16.self)[index].float)
    case .int8: Double(view.words(as: Int8.self)[index])
    case .int16: Double(view.words(as: Int16.self)[index])
    case .int32: Double(view.words(as: Int32.self)[index])
    case .int64: Double(view.words(as: Int64.self)[index])
    case .uint8: Double(view.words(as: UInt8.self)[index])
    case .uint16: Double(view.words(as: UInt16.self)[index])
    case .uint32: Double(view.words(as: UInt32.self)[index])
    case .uint64: Double(view.words(as: UInt64.self)[index])
    default: view.words(as: UInt8.self)[index] == 0 ? 0 : 1
    }
  }
}
