import GraphIR
import Tensors

/// Whether the first of two numbers is below the second.
struct Less: ComparisonOperator {
  static let opType = "Less"

  init(attributes: Attributes, opset: Int) {}

  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a < b }
}
