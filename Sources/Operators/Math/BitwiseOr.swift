import GraphIR
import Tensors

/// The bits set in at least one of two integers.
struct BitwiseOr: ArithmeticOperator {
  static let opType = "BitwiseOr"
  static let elementTypes = ElementType.wholes

  init(attributes: Attributes, opset: Int) {}

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a | b }
}
