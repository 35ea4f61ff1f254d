import GraphIR

/// ``MatMul`` of two quantised values, quantised again.
///
/// Inputs: a, its scale and zero point, b, its scale and zero point, y's scale and zero point. The
/// scales of a may run along its rows, those of b along its columns, in each matrix of a stack
/// their own.
struct QLinearMatMul: DequantizedOperator {
  static let opType = "QLinearMatMul"

  let numbers: any Operator
  let slots = DequantizedKernel(
    operands: [
      QuantizedSlots(value: 0, scale: 1, zero: 2, axis: -2),
      QuantizedSlots(value: 3, scale: 4, zero: 5, axis: -1),
    ], result: QuantizedSlots(scale: 6, zero: 7))

  init(attributes: Attributes, opset: Int) {
    numbers = MatMul(attributes: attributes, opset: opset)
  }
}

extension QLinearMatMul: IntegerOperator {
  static var integerRole: IntegerRole { .layer }
}

extension QLinearMatMul: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [0, 3] }
}
