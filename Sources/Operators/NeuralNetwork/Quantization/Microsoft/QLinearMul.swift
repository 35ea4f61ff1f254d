import Kernels
import GraphIR

/// The product of two quantised values, quantised again; see ``QuantizedArithmeticOperator``.
struct QLinearMul: QuantizedArithmeticOperator {
  static let opType = "QLinearMul"
  static let operation = QuantizedCombination.Operation.multiply

  init(attributes: Attributes, opset: Int) {}
}
