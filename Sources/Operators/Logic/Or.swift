import GraphIR

/// Whether at least one of two truth values holds.
struct Or: LogicOperator {
  static let opType = "Or"

  init(attributes: Attributes, opset: Int) {}

  func value(_ a: Bool, _ b: Bool) -> Bool { a || b }
}
