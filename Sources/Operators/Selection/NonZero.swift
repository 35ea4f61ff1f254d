import GraphIR
import Tensors

/// The places of the elements that are not zero: one column for each, one row for each axis.
struct NonZero: Operator {
  static let opType = "NonZero"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    try inputs.required(0).check(0, holdsOneOf: ElementType.numbers + [.bool])
    return nil
  }

  func forward(_ call: OperatorCall) throws { throw OperatorErrors.dynamicTypes }

  /// One row for each axis, and the list of places they are made of.
  func evaluationBytes(_ inputs: [Tensor?]) throws -> Int {
    _ = try inferTypes(inputs.map { $0.map { Operand(constant: $0) } })
    guard let x = inputs[0] else { return 0 }
    let type = x.elementType == .bool ? .uint8 : x.elementType
    let count = try withExtendedLifetime(x) { try type.dispatch(NonZeroCount(x: x.view)) }
    let words = CheckedInteger(count) * CheckedInteger(max(x.shape.count, 1) + 1)
    return (words * 8).clamped
  }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    try MachineMemory.require(try evaluationBytes(inputs), for: "the places")
    let operands = inputs.map { $0.map { Operand(constant: $0) } }
    _ = try inferTypes(operands)
    guard let x = inputs[0] else { return [] }
    let type = x.elementType == .bool ? .uint8 : x.elementType
    let places = try withExtendedLifetime(x) {
      try type.dispatch(NonZeroWork(x: x.view))
    }
    let shape = x.shape.isEmpty ? [1] : x.shape
    let strides = shape.contiguousStrides
    var rows: [Int64] = []
    rows.reserveCapacity(shape.count * places.count)
    for (extent, stride) in zip(shape, strides) {
      for place in places { rows.append(Int64(place / stride % extent)) }
    }
    return [Tensor(rows, shape: [shape.count, places.count])]
  }
}

/// Counts what is not zero for each type of number.
private struct NonZeroCount: NumberWork {
  let x: TensorView

  func whole<Element: WholeElement>(_: Element.Type) -> Int {
    let elements = x.words(as: Element.self)
    return (0..<x.count).count { elements[$0] != 0 }
  }

  func float<Element: FloatElement>(_: Element.Type) -> Int {
    let elements = x.words(as: Element.self)
    return (0..<x.count).count { elements[$0].wide != 0 }
  }
}

/// Finds what is not zero for each type of number.
private struct NonZeroWork: NumberWork {
  let x: TensorView

  func whole<Element: WholeElement>(_: Element.Type) -> [Int] {
    let elements = x.words(as: Element.self)
    return (0..<x.count).filter { elements[$0] != 0 }
  }

  func float<Element: FloatElement>(_: Element.Type) -> [Int] {
    let elements = x.words(as: Element.self)
    return (0..<x.count).filter { elements[$0].wide != 0 }
  }
}
