import GraphIR
import Tensors

/// The bits set in exactly one of two integers.
struct BitwiseXor: ArithmeticOperator {
  static let opType = "BitwiseXor"
  static let elementTypes = ElementType.wholes

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a ^ b }
}
