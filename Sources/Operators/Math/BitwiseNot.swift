import GraphIR
import Tensors

/// The bits not set in an integer.
struct BitwiseNot: UnaryMathOperator {
  static let opType = "BitwiseNot"
  static let elementTypes = ElementType.wholes

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { ~x }
}
