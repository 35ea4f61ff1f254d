import GraphIR
import Tensors

/// The bits set in both of two integers.
struct BitwiseAnd: ArithmeticOperator {
  static let opType = "BitwiseAnd"
  static let elementTypes = ElementType.wholes

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a & b }
}
