import GraphIR
import Tensors

extension SparseTensor {
  /// The sparse tensor of a message.
  init(_ proto: Onnx_SparseTensorProto, source: TensorSource, place: String) throws {
    let values = try Tensor(proto.values, source: source, place: "\(place), values")
    let indices = try Tensor(proto.indices, source: source, place: "\(place), indices")
    let shape = try Tensor.extents(proto.dims, place: place)
    guard indices.elementType == .int64, values.shape.count == 1,
      indices.shape == [values.count] || indices.shape == [values.count, shape.count]
    else {
      throw PlacedError(
        place, "has values of type \(values.type) and indices of type \(indices.type)")
    }
    self.init(shape: shape, values: values, indices: indices)
    try checkIndices(place: place)
  }

  /// The row-major index of each value in the dense tensor.
  var linearIndices: [Int] {
    let flat = indices.integers
    guard indices.shape.count == 2 else { return flat }
    let strides = shape.contiguousStrides
    return (0..<values.count).map { row in
      strides.indices.reduce(0) { $0 + flat[row * strides.count + $1] * strides[$1] }
    }
  }

  private func checkIndices(place: String) throws {
    let flat = indices.integers
    let count = shape.product
    let fits =
      indices.shape.count == 1
      ? flat.allSatisfy { (0..<count).contains($0) }
      : flat.indices.allSatisfy { (0..<shape[$0 % shape.count]).contains(flat[$0]) }
    guard fits else { throw PlacedError(place, "has an index outside the shape \(shape)") }
    let linear = linearIndices
    guard zip(linear, linear.dropFirst()).allSatisfy(<) else {
      throw PlacedError(place, "has indices that do not ascend")
    }
  }

  /// The dense tensor.
  func dense(budget: ExpansionBudget, place: String) throws -> Tensor {
    let type = TensorType(values.elementType, shape)
    let width = values.elementType.bitWidth / 8
    guard width > 0 else {
      throw PlacedError(place, "a sparse tensor of type \(type) is not supported")
    }
    try budget.spend(type.byteCount, place: place)
    let result = Tensor(zeros: type)
    let (source, target) = (values.view.base, result.view.base)
    for (index, place) in linearIndices.enumerated() {
      target.advanced(by: place * width)
        .copyMemory(from: source.advanced(by: index * width), byteCount: width)
    }
    return result
  }

  /// The elements of a dense tensor that are not all zero bits, so that −0 and every NaN stay.
  ///
  /// `nil` for strings and elements of less than a byte, which have no sparse form.
  init?(_ tensor: Tensor) {
    guard let places = tensor.nonzeroPlaces else { return nil }
    let width = tensor.elementType.bitWidth / 8
    let values = Tensor(uninitialized: TensorType(tensor.elementType, [places.count]))
    let (source, target) = (tensor.view.base, values.view.base)
    for (index, place) in places.enumerated() {
      target.advanced(by: index * width)
        .copyMemory(from: source.advanced(by: Int(place) * width), byteCount: width)
    }
    self.init(shape: tensor.shape, values: values, indices: Tensor(places))
  }
}

extension Tensor {
  /// The number of elements with a bit set; `nil` for strings and elements of less than a byte.
  var nonzeroCount: Int? {
    func count<Bits: FixedWidthInteger>(_: Bits.Type) -> Int {
      rawBytes.bindMemory(to: Bits.self).reduce(0) { $1 == 0 ? $0 : $0 + 1 }
    }
    switch elementType.bitWidth {
    case 8: return count(UInt8.self)
    case 16: return count(UInt16.self)
    case 32: return count(UInt32.self)
    case 64: return count(UInt64.self)
    case 128: return count(UInt128.self)
    default: return nil
    }
  }

  /// Row-major indices of the elements with a bit set; `nil` for strings and elements of less than
  /// a byte.
  var nonzeroPlaces: [Int64]? {
    func places<Bits: FixedWidthInteger>(_: Bits.Type) -> [Int64] {
      let elements = rawBytes.bindMemory(to: Bits.self)
      return elements.indices.filter { elements[$0] != 0 }.map { Int64($0) }
    }
    switch elementType.bitWidth {
    case 8: return places(UInt8.self)
    case 16: return places(UInt16.self)
    case 32: return places(UInt32.self)
    case 64: return places(UInt64.self)
    case 128: return places(UInt128.self)
    default: return nil
    }
  }

  /// Whether values and int64 indices take fewer bytes than all elements.
  var isSmallerSparse: Bool {
    guard let nonzeros = nonzeroCount, count > 0 else { return false }
    return nonzeros * (elementType.bitWidth / 8 + 8) < byteCount
  }
}

extension Onnx_SparseTensorProto {
  /// Sets the elements, their indices and the extents.
  mutating func set(_ sparse: SparseTensor) {
    values.set(sparse.values)
    indices.set(sparse.indices)
    dims = sparse.shape.map { Int64($0) }
  }
}
