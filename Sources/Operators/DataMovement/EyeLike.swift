import GraphIR
import Tensors

/// A matrix of the input's shape with ones on the diagonal that `k` names, zeros elsewhere.
struct EyeLike: ShapeOperator {
  static let opType = "EyeLike"

  let diagonal: Int
  let elementType: ElementType?

  init(attributes: Attributes, opset: Int) throws {
    diagonal = try attributes.int("k", default: 0)
    elementType = try attributes.int("dtype").map { try ElementType(code: $0, attribute: "dtype") }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, rank: 2...2)
    let type = TensorType(elementType ?? x.elementType, x.shape)
    guard ElementType.numbers.contains(type.elementType) || type.elementType == .bool else {
      throw OperatorErrors.calculation(type.elementType)
    }
    return [type]
  }

  func forward(_ call: OperatorCall) throws {
    let y = call.outputs[0]
    y.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let type = y.elementType == .bool ? .uint8 : y.elementType
    let (rows, columns) = (y.shape[0], y.shape[1])
    for row in 0..<rows {
      let (column, overflow) = row.addingReportingOverflow(diagonal)
      guard !overflow, (0..<columns).contains(column) else { continue }
      try type.dispatch(OneWork(y: y, place: row * columns + column))
    }
  }

  func evaluate(types: [TensorType?]) throws -> [Tensor] {
    guard let type = try inferTypes(types.map { $0.map { Operand(type: $0) } })?.first else {
      throw OperatorErrors.dynamicTypes
    }
    let result = Tensor(uninitialized: type)
    try withExtendedLifetime(result) {
      try forward(
        OperatorCall(
          inputs: [], outputs: [result.view], scratch: result.view.base,
          pool: ThreadPool(threads: 1)))
    }
    return [result]
  }
}

/// Writes a one.
private struct OneWork: NumberWork {
  let y: TensorView
  let place: Int

  func whole<Element: WholeElement>(_: Element.Type) { y.words(as: Element.self)[place] = 1 }
  func float<Element: FloatElement>(_: Element.Type) {
    y.words(as: Element.self)[place] = Element(wide: 1)
  }
}
