import GraphIR

/// ``MatMul`` of two quantised values, quantised again.
///
/// Inputs: a, its scale and zero point, b, its scale and zero point, y's scale and zero point, all of them one number.
struct QLinearMatMul: DequantizedOperator {
  static let opType = "QLinearMatMul"

  let reals: any Operator
  let slots = DequantizedKernel.binary

  init(attributes: Attributes, opset: Int) {
    reals = MatMul(attributes: attributes, opset: opset)
  }
}
