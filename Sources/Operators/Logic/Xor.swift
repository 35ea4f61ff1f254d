import GraphIR

/// Whether exactly one of two truth values holds.
struct Xor: LogicOperator {
  static let opType = "Xor"

  init(attributes: Attributes, opset: Int) {}

  func value(_ a: Bool, _ b: Bool) -> Bool { a != b }
}
