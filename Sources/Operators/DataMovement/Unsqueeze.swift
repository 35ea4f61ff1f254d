import GraphIR

/// The input with axes of extent 1 inserted where the output shall have them.
///
/// The axes are an attribute up to opset 12, an input from 13 on.
struct Unsqueeze: ViewOperator, DifferentiableOperator {
  static let opType = "Unsqueeze"

  let axes: [Int]?

  init(attributes: Attributes, opset: Int) throws {
    axes = opset >= 13 ? nil : try attributes.ints("axes")
    guard opset >= 13 || axes != nil else { throw AttributeError.missing(name: "axes") }
  }

  func outputShape(_ x: Operand, _ inputs: [Operand?]) throws -> [Int]? {
    try inputs.checkCount(axes == nil ? 2...2 : 1...1)
    guard let named = try axes ?? inputs.required(1).constantIntegers(1) else { return nil }
    let inserted = try named.axes(ofRank: x.shape.count + named.count)
    var rest = x.shape.makeIterator()
    return (0..<x.shape.count + named.count).map { axis in
      inserted.contains(axis) ? 1 : rest.next() ?? 1
    }
  }

  /// Carries the gradient back: `∂x` is `∂y` under the shape of x.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.reshaped(derivation.gradient(), to: try derivation.type(0).shape)]
  }
}

extension Unsqueeze: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
