import GraphIR
import Tensors

/// What `QuantizeLinear` and `DequantizeLinear` have in common: attributes and the checks of scales
/// and zero points.
struct QuantizationRule: Sendable {
  let axis: Int
  let blockSize: Int

  init(_ attributes: Attributes) throws {
    axis = try attributes.int("axis", default: 1)
    blockSize = try attributes.int("block_size", default: 0)
    guard (0...SlidingWindow.largest).contains(blockSize) else {
      throw AttributeError.invalid(name: "block_size", reason: "is \(blockSize), not positive")
    }
  }

  /// The layout for inputs x, scale and, if given, zero point.
  func layout(_ inputs: [Operand?], quantized: ElementType) throws -> QuantizationLayout {
    try inputs.checkCount(2...3)
    let (x, scale) = (try inputs.required(0), try inputs.required(1))
    try scale.check(1, holds: .float32)
    if let zero = inputs.optional(2) {
      try zero.check(2, holds: quantized)
      if zero.type.count != 1 || scale.type.count != 1 {
        try zero.check(2, shape: scale.shape, "the zero point")
      }
    }
    return try layout(x: x.shape, scale: scale.shape)
  }

  func layout(x: [Int], scale: [Int]) throws -> QuantizationLayout {
    try QuantizationLayout(shape: x, scales: scale, axis: axis, blockSize: blockSize)
  }
}

extension QuantizationRule {
  /// Elements by themselves, with a scale for all or one for each channel.
  func channelFlow(_ inputs: [Operand?]) -> ChannelFlow? {
    guard let scale = inputs.optional(1) else { return nil }
    if scale.type.count == 1 { return .aligned }
    return axis == 1 && blockSize == 0
      ? .perChannel(parameters: inputs.optional(2) == nil ? [1] : [1, 2]) : nil
  }
}

/// Reads and writes integers of any type of at most 32 bits, 4-bit ones two a byte.
struct QuantizedView {
  private let view: TensorView

  init(_ view: TensorView) { self.view = view }

  /// The number of elements.
  var count: Int { view.count }

  /// Whether the elements are `Int8` or `UInt8`.
  var isByte: Bool { view.elementType == .int8 || view.elementType == .uint8 }

  /// One element.
  subscript(index: Int) -> Int32 {
    switch view.elementType {
    case .int8: Int32(pointer(Int8.self)[index])
    case .uint8: Int32(pointer(UInt8.self)[index])
    case .int16: Int32(pointer(Int16.self)[index])
    case .uint16: Int32(pointer(UInt16.self)[index])
    case .int32: pointer(Int32.self)[index]
    case .int4:
      Int32(Int8(truncatingIfNeeded: nibble(index) << 4) >> 4)
    default: Int32(nibble(index))
    }
  }

  /// Stores one element; of two 4-bit ones in a byte the even one must come first.
  func store(_ value: Int32, at index: Int) {
    switch view.elementType {
    case .int8, .uint8: pointer(UInt8.self)[index] = UInt8(truncatingIfNeeded: value)
    case .int16, .uint16: pointer(UInt16.self)[index] = UInt16(truncatingIfNeeded: value)
    case .int32: pointer(Int32.self)[index] = value
    default:
      let bits = UInt8(truncatingIfNeeded: value) & 0xf
      let byte = pointer(UInt8.self) + index / 2
      byte.pointee = index % 2 == 0 ? bits : byte.pointee & 0xf | bits << 4
    }
  }

  private func nibble(_ index: Int) -> UInt8 {
    (pointer(UInt8.self)[index / 2] >> (index % 2 == 0 ? 0 : 4)) & 0xf
  }

  private func pointer<Element>(_: Element.Type) -> UnsafeMutablePointer<Element> {
    view.base.assumingMemoryBound(to: Element.self)
  }
}

extension OperatorCall {
  /// The scale and zero point of a pair of scalar inputs.
  func parameters(scale: Int, zeroPoint: Int) -> QuantizationParameters {
    QuantizationParameters(
      scale: inputs[scale]?.elements(as: Float.self)[0] ?? 1,
      zeroPoint: self.zeroPoint(zeroPoint))
  }

  /// The integer of a scalar input; 0 when it is omitted.
  func zeroPoint(_ index: Int, at element: Int = 0) -> Int32 {
    guard inputs.indices.contains(index), let view = inputs[index] else { return 0 }
    return QuantizedView(view)[element]
  }

  /// One input, `nil` when omitted.
  func optional(_ index: Int) -> TensorView? {
    inputs.indices.contains(index) ? inputs[index] : nil
  }
}
