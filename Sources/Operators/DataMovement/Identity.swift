import GraphIR

/// The input itself.
struct Identity: ViewOperator {
  static let opType = "Identity"

  init(attributes: Attributes, opset: Int) {}

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(1...1)
    return x.shape
  }
}
