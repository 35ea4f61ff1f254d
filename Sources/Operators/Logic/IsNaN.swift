import GraphIR

/// Whether a float is NaN.
struct IsNaN: ClassificationOperator {
  static let opType = "IsNaN"

  init(attributes: Attributes, opset: Int) {}

  func contains(_ x: Double) -> Bool { x.isNaN }
}
