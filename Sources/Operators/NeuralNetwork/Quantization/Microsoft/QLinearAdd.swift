import Kernels
import GraphIR

/// The sum of two quantised values, quantised again; see ``QuantizedArithmeticOperator``.
struct QLinearAdd: QuantizedArithmeticOperator {
  static let opType = "QLinearAdd"
  static let operation = QuantizedCombination.Operation.add

  init(attributes: Attributes, opset: Int) {}
}
