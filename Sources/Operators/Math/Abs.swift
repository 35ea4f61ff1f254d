import GraphIR
import Tensors

/// The magnitude of a number.
struct Abs: UnaryMathOperator {
  static let opType = "Abs"
  static let elementTypes = ElementType.numbers

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { x.magnitude }
  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { x < 0 ? 0 &- x : x }
}
