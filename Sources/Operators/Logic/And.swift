import GraphIR

/// Whether both of two truth values hold.
struct And: LogicOperator {
  static let opType = "And"

  init(attributes: Attributes, opset: Int) {}

  func value(_ a: Bool, _ b: Bool) -> Bool { a && b }
}
