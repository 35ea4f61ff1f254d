/// Converts runs of float16 and bfloat16 numbers to float32 and back, in integer arithmetic that
/// compilers vectorise.
public enum HalfConversion {
  /// Writes float16 or bfloat16 numbers as float32, exactly.
  ///
  /// - Precondition: `type` is one of the two.
  public static func widen(
    _ source: UnsafePointer<UInt16>, of type: ElementType, to target: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    guard type == .float16 else {
      for index in 0..<count {
        target[index] = Float(bitPattern: UInt32(truncatingIfNeeded: source[index]) << 16)
      }
      return
    }
    for index in 0..<count { target[index] = float32(ofHalf: source[index]) }
  }

  /// Writes the nearest float16 or bfloat16 numbers, ties to even.
  ///
  /// - Precondition: `type` is one of the two.
  public static func narrow(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<UInt16>, of type: ElementType,
    count: Int
  ) {
    guard type == .float16 else {
      for index in 0..<count { target[index] = BFloat16(source[index]).bits }
      return
    }
    for index in 0..<count { target[index] = half(of: source[index]) }
  }

  /// The value of a float16 with the given bits.
  ///
  /// Read as the bits of a float32 they are too small by the factor 2¹¹², subnormal numbers
  /// included.
  @inline(__always)
  private static func float32(ofHalf bits: UInt16) -> Float {
    let wide = UInt32(truncatingIfNeeded: bits)
    let magnitude = Float(bitPattern: (wide & 0x7fff) << 13) * 0x1p112
    let special: UInt32 = wide & 0x7c00 == 0x7c00 ? 0x7f80_0000 : 0
    return Float(bitPattern: magnitude.bitPattern | special | (wide & 0x8000) << 16)
  }

  /// The bits of the nearest float16.
  ///
  /// NaN becomes the quiet NaN of its sign.
  @inline(__always)
  private static func half(of value: Float) -> UInt16 {
    let sign = value.bitPattern & 0x8000_0000
    let bits = value.bitPattern ^ sign
    // Adding 2⁻¹ aligns the units of subnormal numbers with those of the sum's fraction.
    let subnormal = (Float(bitPattern: bits) + 0.5).bitPattern &- Float(0.5).bitPattern
    let normal = (bits &+ 0xc800_0fff &+ ((bits >> 13) & 1)) >> 13
    let special: UInt32 = bits > 0x7f80_0000 ? 0x7e00 : 0x7c00
    let magnitude = bits >= 0x4780_0000 ? special : bits < 0x3880_0000 ? subnormal : normal
    return UInt16(truncatingIfNeeded: magnitude | sign >> 16)
  }
}
