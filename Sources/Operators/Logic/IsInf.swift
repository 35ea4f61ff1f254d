import GraphIR

/// Whether a float is infinite; `detect_negative` and `detect_positive` leave one sign out.
struct IsInf: ClassificationOperator {
  static let opType = "IsInf"

  let detectsNegative: Bool
  let detectsPositive: Bool

  init(attributes: Attributes, opset: Int) throws {
    detectsNegative = try attributes.flag("detect_negative", default: true)
    detectsPositive = try attributes.flag("detect_positive", default: true)
  }

  func contains(_ x: Double) -> Bool { x.isInfinite && (x < 0 ? detectsNegative : detectsPositive) }
}
