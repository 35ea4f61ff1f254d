import GraphIR
import Tensors

/// A real value each of whose elements is a function of one byte of a quantised value.
struct ByteFunction {
  /// The quantised value.
  var source: String
  /// Whether its bytes are `Int8`.
  var isSigned: Bool
  /// The function by the byte's bits, 256 numbers.
  var values: [Float]
  /// Scale and zero point, where the function is just the byte's meaning.
  var parameters: QuantizationParameters?

  /// What the bytes of a quantised value stand for.
  init(source: String, isSigned: Bool, _ parameters: QuantizationParameters) {
    (self.source, self.isSigned, self.parameters) = (source, isSigned, parameters)
    values = (0..<256).map { parameters.float(Self.whole($0, isSigned)) }
  }

  /// A function by its values.
  init(source: String, isSigned: Bool, values: [Float]) {
    (self.source, self.isSigned, self.values) = (source, isSigned, values)
  }

  /// The integer that a byte's bits are.
  static func whole(_ bits: Int, _ isSigned: Bool) -> Int32 {
    isSigned ? Int32(Int8(truncatingIfNeeded: bits)) : Int32(bits)
  }

  /// Whether larger bytes never have smaller values.
  var isMonotone: Bool {
    let ordered = isSigned ? Array(values[128...] + values[..<128]) : values
    return zip(ordered, ordered.dropFirst()).allSatisfy { $0 <= $1 }
  }

  /// The bytes that the values become under a quantisation.
  func quantized(_ target: ByteTarget) -> [UInt8] {
    values.map { target.bits($0) }
  }
}

/// How a real value becomes bytes.
struct ByteTarget {
  var parameters: QuantizationParameters
  var isSigned: Bool

  /// The integers that the bytes can be.
  var range: ClosedRange<Int32> { isSigned ? -128...127 : 0...255 }

  /// The bits of the byte for a real.
  func bits(_ value: Float) -> UInt8 {
    UInt8(truncatingIfNeeded: parameters.quantized(value, in: range))
  }

  /// What keeps bytes within what two floats become: 256 bytes, or `nil` when it changes none.
  ///
  /// Rounding is monotone, so that clamping before it and after it is the same.
  func clamp(_ lowest: Float, _ highest: Float) -> [UInt8]? {
    let bounds =
      parameters.quantized(
        lowest, in: range)...max(
        parameters.quantized(lowest, in: range), parameters.quantized(highest, in: range))
    guard bounds != range else { return nil }
    return (0..<256).map {
      let whole = ByteFunction.whole($0, isSigned)
      return UInt8(truncatingIfNeeded: min(max(whole, bounds.lowerBound), bounds.upperBound))
    }
  }
}
