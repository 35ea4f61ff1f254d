import GraphIR
import Tensors

/// Whether the first of two numbers is above the second.
struct Greater: ComparisonOperator {
  static let opType = "Greater"

  init(attributes: Attributes, opset: Int) {}

  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a > b }
}
