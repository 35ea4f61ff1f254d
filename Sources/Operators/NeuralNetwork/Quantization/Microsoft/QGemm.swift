import GraphIR

/// ``Gemm`` of two quantised values and an int32 bias in units of the product of their scales, quantised again.
///
/// Inputs: a, its scale and zero point, b, its scale and zero point, optionally the bias, y's scale and zero point.
struct QGemm: DequantizedOperator {
  static let opType = "QGemm"
  static let domain = "com.microsoft"

  let reals: any Operator
  let slots = DequantizedKernel(
    operands: [
      QuantizedSlots(value: 0, scale: 1, zero: 2), QuantizedSlots(value: 3, scale: 4, zero: 5),
    ], result: QuantizedSlots(scale: 7, zero: 8), bias: 6)

  init(attributes: Attributes, opset: Int) throws {
    reals = try Gemm(attributes: attributes, opset: opset)
  }
}
