import GraphIR

/// The input without the named axes of extent 1, or without all such axes.
///
/// The axes are an attribute up to opset 12, an input from 13 on.
struct Squeeze: ViewOperator, DifferentiableOperator {
  static let opType = "Squeeze"

  let axes: [Int]?
  let takesAxes: Bool

  init(attributes: Attributes, opset: Int) throws {
    takesAxes = opset >= 13
    axes = takesAxes ? nil : try attributes.ints("axes")
  }

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(1...(takesAxes ? 2 : 1))
    var named = axes
    if let operand = inputs.optional(1) {
      guard let values = try operand.constantIntegers(1) else { return nil }
      named = values
    }
    guard let named else { return x.shape.filter { $0 != 1 } }
    let removed = Set(try named.map { try $0.axis(ofRank: x.shape.count) })
    guard removed.allSatisfy({ x.shape[$0] == 1 }) else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "has extents other than 1 on axes \(removed.sorted())")
    }
    return x.shape.indices.filter { !removed.contains($0) }.map { x.shape[$0] }
  }

  /// Carries the gradient back: `∂x` is `∂y` under the shape of x.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.reshaped(derivation.gradient(), to: try derivation.type(0).shape)]
  }
}

extension Squeeze: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
