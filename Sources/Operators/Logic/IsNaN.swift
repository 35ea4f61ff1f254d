import GraphIR

/// Whether a real number is not a number.
struct IsNaN: ClassificationOperator {
  static let opType = "IsNaN"

  init(attributes: Attributes, opset: Int) {}

  func contains(_ x: Double) -> Bool { x.isNaN }
}
