import GraphIR

/// ``Gemm`` of two quantised values and an int32 bias, quantised again: `y = α sₐ s_b (a b + c)`.
///
/// Inputs: a, its scale and zero point, b, its scales and zero points (one number or one a column
/// of the product), optionally the bias in units of `α sₐ s_b`, y's scale and zero point, without
/// which y is float32.
struct QGemm: DequantizedOperator {
  static let opType = "QGemm"
  static let domain = "com.microsoft"

  let numbers: any Operator
  let slots: DequantizedKernel

  init(attributes: Attributes, opset: Int) throws {
    let product = try Gemm(attributes: attributes, opset: opset)
    numbers = product
    slots = DequantizedKernel(
      operands: [
        QuantizedSlots(value: 0, scale: 1, zero: 2),
        QuantizedSlots(value: 3, scale: 4, zero: 5, axis: product.transposesB ? 0 : 1),
      ], result: QuantizedSlots(scale: 7, zero: 8), bias: 6, biasFactor: product.alpha,
      mayStayFloat: true)
  }
}

extension QGemm: IntegerOperator {
  static var integerRole: IntegerRole { .layer }
}

extension QGemm: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [0, 3, 6] }
}
