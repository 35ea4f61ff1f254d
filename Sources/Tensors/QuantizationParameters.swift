/// The affine map between floats and small integers: `value = scale × (q − zeroPoint)`.
///
/// `scale` is the step between neighbouring values and positive. `zeroPoint` is the integer that
/// stands for 0 exactly, so zero padding stays exact.
///
/// Reference: Jacob et al., *Quantization and Training of Neural Networks for Efficient
/// Integer-Arithmetic-Only Inference*, CVPR 2018, arXiv:1712.05877.
public struct QuantizationParameters: Hashable, Sendable, Codable {
  /// The difference between the values of neighbouring integers.
  public var scale: Float
  /// The integer that stands for 0.
  public var zeroPoint: Int32

  /// The map of the given scale and zero point.
  @inlinable
  public init(scale: Float, zeroPoint: Int32 = 0) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }

  /// The float that an integer stands for.
  @inlinable
  public func float(_ quantized: Int32) -> Float { scale * Float(quantized &- zeroPoint) }

  /// The integer in `range` nearest to `real / scale + zeroPoint`, ties to even; NaN gives the
  /// lowest.
  ///
  /// - Precondition: the range lies within ±2²¹.
  @inlinable
  public func quantized(_ real: Float, in range: ClosedRange<Int32>) -> Int32 {
    Self.rounded(real / scale, plus: zeroPoint, in: range)
  }

  /// The integer in `range` nearest to `value + zeroPoint`, ties to even before the sum; NaN gives
  /// the lowest.
  ///
  /// - Precondition: the range lies within ±2²¹.
  @inlinable
  public static func rounded(
    _ value: Float, plus zeroPoint: Int32, in range: ClosedRange<Int32>
  ) -> Int32 {
    let lowest = Float(range.lowerBound &- zeroPoint)
    let highest = Float(range.upperBound &- zeroPoint)
    var clamped = value > lowest ? value : lowest
    clamped = clamped < highest ? clamped : highest
    // Adding 1.5 × 2²³ leaves no fraction bits: the addition rounds, ties to even.
    let shifted = clamped + 12_582_912
    return Int32(truncatingIfNeeded: Int(shifted - 12_582_912)) &+ zeroPoint
  }

  /// The map that spreads `lowest ... highest`, widened to contain 0, over the integers of `range`.
  ///
  /// The scale is `(highest − lowest) / (qmax − qmin)`, or 1 for an empty interval; the zero point
  /// is `qmin − lowest / scale`, rounded, ties to even, and kept within `range`.
  public init(lowest: Float, highest: Float, in range: ClosedRange<Int32>) {
    let (lowest, highest) = (min(lowest, 0), max(highest, 0))
    let (qmin, qmax) = (Float(range.lowerBound), Float(range.upperBound))
    scale = lowest == highest ? 1 : (highest - lowest) / (qmax - qmin)
    let zero = max(qmin, min(qmax, qmin - lowest / scale))
    zeroPoint = zero.isNaN ? range.lowerBound : Int32(zero.rounded(.toNearestOrEven))
  }
}

extension ElementType {
  /// The integers that elements of an integer type of at most 16 bits may hold.
  public var quantizedRange: ClosedRange<Int32>? {
    switch self {
    case .int4: -8...7
    case .uint4: 0...15
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    default: nil
    }
  }
}
