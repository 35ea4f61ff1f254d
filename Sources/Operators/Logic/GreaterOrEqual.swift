import GraphIR
import Tensors

/// Whether the first of two numbers is not below the second.
struct GreaterOrEqual: ComparisonOperator {
  static let opType = "GreaterOrEqual"

  init(attributes: Attributes, opset: Int) {}

  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a >= b }
}
