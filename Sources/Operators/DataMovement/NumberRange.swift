import Foundation
import GraphIR
import Tensors

/// The numbers from `start` in steps of `delta` up to, but without, `limit`.
struct NumberRange: Operator {
  static let opType = "Range"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let first = try inputs.required(0)
    try first.check(0, holdsOneOf: ElementType.floatingPoint + [.int16, .int32, .int64])
    for index in 0..<3 {
      let operand = try inputs.required(index)
      try operand.check(index, holds: first.elementType)
      guard operand.type.count == 1 else {
        throw OperatorError.shape(input: index, found: operand.shape, reason: "is not one number")
      }
    }
    guard let start = first.constant?.doubles[0], let limit = inputs[1]?.constant?.doubles[0],
      let delta = inputs[2]?.constant?.doubles[0]
    else { return nil }
    let count = ((limit - start) / delta).rounded(.up)
    guard delta != 0, count.isFinite, count < Double(TensorType.largestByteCount) else {
      throw OperatorError.unsupported("a range from \(start) to \(limit) in steps of \(delta)")
    }
    return [try TensorType(checking: first.elementType, [Int(max(0, count))])]
  }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType.dispatch(
      RangeWork(start: try call.input(0), delta: try call.input(2), y: call.outputs[0]))
  }
}

/// The loop of `Range` for each type of number.
private struct RangeWork: NumberWork {
  let start: TensorView
  let delta: TensorView
  let y: TensorView

  func whole<Element: WholeElement>(_: Element.Type) {
    let (first, step) = (start.words(as: Element.self)[0], delta.words(as: Element.self)[0])
    let target = y.words(as: Element.self)
    for index in 0..<y.count { target[index] = first &+ Element(truncatingIfNeeded: index) &* step }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    let first = start.words(as: Element.self)[0].wide
    let (step, target) = (delta.words(as: Element.self)[0].wide, y.words(as: Element.self))
    for index in 0..<y.count { target[index] = Element(wide: first + .init(index) * step) }
  }
}
