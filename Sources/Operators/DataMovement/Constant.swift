import GraphIR
import Tensors

/// The tensor that the node's one attribute holds.
struct Constant: Operator {
  static let opType = "Constant"

  let value: Tensor

  init(attributes: Attributes, opset: Int) throws {
    guard attributes.names.count == 1, let (name, attribute) = attributes.elements.first else {
      throw AttributeError.invalid(
        name: "value", reason: "or one of its variants must be the only attribute")
    }
    switch (name, attribute) {
    case ("value", .tensor(let tensor)): value = tensor
    case ("sparse_value", .sparseTensor(let sparse)): value = try Self.dense(sparse)
    case ("value_int", .int(let number)): value = Tensor(scalar: Int64(number))
    case ("value_ints", .ints(let numbers)): value = Tensor(numbers.map { Int64($0) })
    case ("value_float", .float(let number)): value = Tensor(scalar: number)
    case ("value_floats", .floats(let numbers)): value = Tensor(numbers)
    case ("value_string", .string(let bytes)): value = Tensor(strings: [bytes], shape: [])
    case ("value_strings", .strings(let texts)):
      value = Tensor(strings: texts, shape: [texts.count])
    default:
      throw AttributeError.invalid(
        name: name, reason: "of kind \(attribute.kindName) does not define a constant")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(0...0)
    return [value.type]
  }

  func forward(_ call: OperatorCall) {
    value.withUnsafeBytes { call.outputs[0].bytes.copyMemory(from: $0) }
  }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    try inputs.checkCount(0...0)
    return [value]
  }

  private static func dense(_ sparse: SparseTensor) throws -> Tensor {
    func misfit(_ reason: String) -> AttributeError {
      .invalid(name: "sparse_value", reason: reason)
    }
    let type = try TensorType(checking: sparse.values.elementType, sparse.shape)
    guard type.elementType.bitWidth >= 8 else { throw misfit("holds \(type.elementType.rawValue)") }
    let count = sparse.values.count
    guard sparse.indices.elementType == .int64,
      sparse.indices.shape == [count] || sparse.indices.shape == [count, type.shape.count]
    else { throw misfit("has indices of type \(sparse.indices.type) for \(count) values") }
    let (indices, strides) = (sparse.indices.integers, type.shape.contiguousStrides)
    let result = Tensor(zeros: type)
    let bytes = type.elementBytes
    for element in 0..<count {
      let place: Int
      if sparse.indices.shape.count == 1 {
        place = indices[element]
      } else {
        let row = indices[element * strides.count..<(element + 1) * strides.count]
        guard zip(row, type.shape).allSatisfy({ (0..<$1).contains($0) }) else {
          throw misfit("has the index \(Array(row)) in shape \(type.shape)")
        }
        place = zip(row, strides).reduce(0) { $0 + $1.0 * $1.1 }
      }
      guard (0..<type.count).contains(place) else {
        throw misfit("has the index \(place) in shape \(type.shape)")
      }
      (result.rawBytes.baseAddress ?? result.view.base).advanced(by: place * bytes)
        .copyMemory(from: sparse.values.view.base + element * bytes, byteCount: bytes)
    }
    return result
  }
}

extension [Tensor?] {
  /// Refuses more or fewer inputs than the operator takes.
  fileprivate func checkCount(_ range: ClosedRange<Int>) throws {
    guard range.contains(count) else {
      throw OperatorError.inputCount(expected: "\(range.lowerBound)", found: count)
    }
  }
}
