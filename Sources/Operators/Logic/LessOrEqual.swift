import GraphIR
import Tensors

/// Whether the first of two numbers is not above the second.
struct LessOrEqual: ComparisonOperator {
  static let opType = "LessOrEqual"

  init(attributes: Attributes, opset: Int) {}

  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a <= b }
}
