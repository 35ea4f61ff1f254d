extension Tensor {
  /// The elements as `Double`, whatever numeric type holds them; `bool` becomes 0 or 1.
  ///
  /// - Precondition: the elements are numbers of at least 8 bits, not complex, or booleans.
  public var doubles: [Double] {
    switch elementType {
    case .float32: elements(as: Float.self).map(Double.init)
    case .float64: elements(as: Double.self)
    case .float16: elements(as: Float16.self).map(Double.init)
    case .bfloat16: elements(as: BFloat16.self).map { Double($0.float) }
    case .bool: elements(as: Bool.self).map { $0 ? 1 : 0 }
    default: integers.map(Double.init)
    }
  }

  /// The elements as `Float`; see ``doubles``.
  public var floats: [Float] {
    elementType == .float32 ? elements(as: Float.self) : doubles.map { Float($0) }
  }

  /// The elements as `Int`; unsigned 64-bit values wrap, 4-bit values are unpacked.
  ///
  /// - Precondition: the elements are integers or booleans.
  public var integers: [Int] {
    switch elementType {
    case .int8: elements(as: Int8.self).map(Int.init)
    case .int16: elements(as: Int16.self).map(Int.init)
    case .int32: elements(as: Int32.self).map(Int.init)
    case .int64: elements(as: Int64.self).map { Int($0) }
    case .uint8: elements(as: UInt8.self).map(Int.init)
    case .uint16: elements(as: UInt16.self).map(Int.init)
    case .uint32: elements(as: UInt32.self).map(Int.init)
    case .uint64: elements(as: UInt64.self).map { Int(truncatingIfNeeded: $0) }
    case .bool: elements(as: Bool.self).map { $0 ? 1 : 0 }
    case .int4, .uint4: nibbles
    default: preconditionFailure("\(type) has no integer elements")
    }
  }

  private var nibbles: [Int] {
    withUnsafeBytes { bytes in
      (0..<count).map { index in
        let nibble = (bytes[index / 2] >> (index % 2 == 0 ? 0 : 4)) & 0xf
        return elementType == .int4 && nibble > 7 ? Int(nibble) - 16 : Int(nibble)
      }
    }
  }
}
