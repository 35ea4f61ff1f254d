import GraphIR
import Tensors

/// The tensor that the node's one attribute holds.
struct Constant: Operator {
  static let opType = "Constant"

  /// What the attribute holds; a sparse tensor is spread out only where its elements are asked for.
  private enum Value {
    case dense(Tensor)
    case sparse(SparseTensor)
  }

  private let value: Value
  private let type: TensorType

  init(attributes: Attributes, opset: Int) throws {
    guard attributes.names.count == 1, let (name, attribute) = attributes.elements.first else {
      throw AttributeError.invalid(
        name: "value", reason: "or one of its variants must be the only attribute")
    }
    if case ("sparse_value", .sparseTensor(let sparse)) = (name, attribute) {
      type = try Self.type(of: sparse)
      value = .sparse(sparse)
      return
    }
    let tensor: Tensor
    switch (name, attribute) {
    case ("value", .tensor(let given)): tensor = given
    case ("value_int", .int(let number)): tensor = Tensor(scalar: Int64(number))
    case ("value_ints", .ints(let numbers)): tensor = Tensor(numbers.map { Int64($0) })
    case ("value_float", .float(let number)): tensor = Tensor(scalar: number)
    case ("value_floats", .floats(let numbers)): tensor = Tensor(numbers)
    case ("value_string", .string(let bytes)): tensor = Tensor(strings: [bytes], shape: [])
    case ("value_strings", .strings(let texts)):
      tensor = Tensor(strings: texts, shape: [texts.count])
    default:
      throw AttributeError.invalid(
        name: name, reason: "of kind \(attribute.kindName) does not define a constant")
    }
    type = tensor.type
    value = .dense(tensor)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(0...0)
    return [type]
  }

  func forward(_ call: OperatorCall) throws {
    switch value {
    case .dense(let tensor):
      tensor.withUnsafeBytes { call.outputs[0].bytes.copyMemory(from: $0) }
    case .sparse(let sparse): try Self.spread(sparse, over: call.outputs[0])
    }
  }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    try inputs.checkCount(0...0)
    switch value {
    case .dense(let tensor): return [tensor]
    case .sparse(let sparse):
      try MachineMemory.require(type.byteCount, for: "the elements of a sparse constant")
      let result = Tensor(uninitialized: type)
      try withExtendedLifetime(result) { try Self.spread(sparse, over: result.view) }
      return [result]
    }
  }

  /// What is in the file already takes nothing.
  func evaluationBytes(_ inputs: [Tensor?]) throws -> Int {
    if case .sparse = value { type.byteCount } else { 0 }
  }

  private static func type(of sparse: SparseTensor) throws -> TensorType {
    func misfit(_ reason: String) -> AttributeError {
      .invalid(name: "sparse_value", reason: reason)
    }
    let type = try TensorType(checking: sparse.values.elementType, sparse.shape)
    guard type.elementType.bitWidth >= 8 else { throw misfit("holds \(type.elementType.rawValue)") }
    let count = sparse.values.count
    guard sparse.indices.elementType == .int64,
      sparse.indices.shape == [count] || sparse.indices.shape == [count, type.shape.count]
    else { throw misfit("has indices of type \(sparse.indices.type) for \(count) values") }
    return type
  }

  /// Writes the elements of a sparse tensor, and zeros between them.
  private static func spread(_ sparse: SparseTensor, over target: TensorView) throws {
    func misfit(_ reason: String) -> AttributeError {
      .invalid(name: "sparse_value", reason: reason)
    }
    let type = target.type
    let (indices, strides) = (sparse.indices.integers, type.shape.contiguousStrides)
    target.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let bytes = type.elementBytes
    for element in 0..<sparse.values.count {
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
      (target.base + place * bytes).copyMemory(
        from: sparse.values.view.base + element * bytes, byteCount: bytes)
    }
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
