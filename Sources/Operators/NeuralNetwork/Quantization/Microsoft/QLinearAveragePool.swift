import GraphIR

/// ``AveragePool`` of a quantised value.
///
/// Inputs: x, its scale and zero point, y's scale and zero point. Only NCHW is supported.
struct QLinearAveragePool: DequantizedOperator {
  static let opType = "QLinearAveragePool"
  static let domain = "com.microsoft"

  let numbers: any Operator
  let slots = DequantizedKernel.unary

  init(attributes: Attributes, opset: Int) throws {
    try attributes.refuseChannelsLast()
    numbers = try AveragePool(attributes: attributes, opset: opset)
  }
}

extension QLinearAveragePool: IntegerOperator {
  static var integerRole: IntegerRole { .function }
}

extension DequantizedKernel {
  /// x, its scale and zero point, y's scale and zero point.
  static let unary = DequantizedKernel(
    operands: [QuantizedSlots(value: 0, scale: 1, zero: 2)],
    result: QuantizedSlots(scale: 3, zero: 4))
}

extension Attributes {
  /// Refuses ONNX Runtime's NHWC variants.
  func refuseChannelsLast() throws {
    if try flag("channels_last", default: false) {
      throw AttributeError.invalid(name: "channels_last", reason: "is set, only NCHW is supported")
    }
  }
}
