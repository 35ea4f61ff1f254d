import GraphIR
import Tensors

/// 1 where an element is the first largest along an axis, else 0; before opset 13 along all axes
/// from `axis` on.
struct Hardmax: Operator, DifferentiableOperator {
  static let opType = "Hardmax"

  let rule: SoftmaxRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try SoftmaxRule(attributes, opset: opset, isLogarithm: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? { try rule.inferTypes(inputs) }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType == .float32
      ? choose(call, Float.self) : choose(call, Double.self)
  }

  private func choose<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type
  ) throws {
    let x = try call.input(0).elements(as: Element.self)
    let y = call.outputs[0].elements(as: Element.self)
    let (outer, count, inner) = try rule.extents(call.outputs[0].shape)
    call.pool.forEach(outer * inner) { run in
      let first = run / inner * count * inner + run % inner
      var best = first
      for place in stride(from: first, to: first + count * inner, by: inner) {
        if x[place] > x[best] { best = place }
        y[place] = 0
      }
      if count > 0 { y[best] = 1 }
    }
  }

  /// The derivative is zero wherever it exists.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] { [nil] }
}
