import GraphIR
import Tensors

/// Whether two numbers or truth values are equal.
struct Equal: ComparisonOperator {
  static let opType = "Equal"
  static let elementTypes = ElementType.numbers + [.bool]

  init(attributes: Attributes, opset: Int) {}

  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a == b }
}
