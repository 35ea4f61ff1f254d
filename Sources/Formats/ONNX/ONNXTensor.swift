import Foundation
import GraphIR
import Tensors

/// ONNX's numbers for element types.
enum ONNXElementType {
  private static let codes: [(Int32, ElementType)] = [
    (1, .float32), (2, .uint8), (3, .int8), (4, .uint16), (5, .int16), (6, .int32), (7, .int64),
    (8, .string), (9, .bool), (10, .float16), (11, .float64), (12, .uint32), (13, .uint64),
    (14, .complex64), (15, .complex128), (16, .bfloat16), (17, .float8e4m3fn),
    (18, .float8e4m3fnuz), (19, .float8e5m2), (20, .float8e5m2fnuz), (21, .uint4), (22, .int4),
  ]
  private static let typeOfCode = Dictionary(uniqueKeysWithValues: codes)
  private static let codeOfType = Dictionary(uniqueKeysWithValues: codes.map { ($1, $0) })

  static func type(of code: Int32) -> ElementType? { typeOfCode[code] }
  static func code(of type: ElementType) -> Int32 { codeOfType[type] ?? 0 }
}

/// Where the bytes of external tensors come from.
struct ExternalData {
  /// The model's folder; `nil` when the model was not read from a file.
  var folder: URL?

  /// The bytes a tensor's `external_data` entries point to.
  func bytes(_ proto: Onnx_TensorProto, count: Int, place: String) throws -> (Data, String) {
    let entries = Dictionary(
      proto.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    guard let location = entries["location"], !location.isEmpty else {
      throw PlacedError(place, "has external data without a location")
    }
    guard let folder else {
      throw PlacedError(place, "has external data '\(location)', but the model is not in a folder")
    }
    let root = folder.resolvingSymlinksInPath().path
    let file = folder.appending(path: location).resolvingSymlinksInPath()
    guard !location.hasPrefix("/"), file.path.hasPrefix(root == "/" ? root : root + "/") else {
      throw PlacedError(place, "has external data '\(location)' outside the model's folder")
    }
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0,
      let length = Int(entries["length"] ?? "\(count)"), length == count
    else {
      throw PlacedError(
        place,
        "has external data of offset \(entries["offset"] ?? "0") and length "
          + "\(entries["length"] ?? "?"), expected \(count) bytes")
    }
    guard let data = try? Data(contentsOf: file, options: .mappedIfSafe) else {
      throw PlacedError(place, "its external data file '\(location)' cannot be read")
    }
    guard data.count - offset >= length else {
      throw PlacedError(
        place,
        "its external data file '\(location)' has \(data.count) bytes, "
          + "needed \(length) from \(offset) on")
    }
    let start = data.startIndex + offset
    return (data[start..<start + length], location)
  }
}

extension Tensor {
  /// The most elements of a tensor that a file may declare without giving them (sparse tensors).
  static let declaredCountLimit = 1 << 30

  /// The tensor of a message, and the external file it came from.
  init(
    _ proto: Onnx_TensorProto, external: ExternalData, place: String,
    location: inout String?
  ) throws {
    guard let element = ONNXElementType.type(of: proto.dataType) else {
      throw PlacedError(place, "has the unknown element type \(proto.dataType)")
    }
    let type = TensorType(element, try Self.extents(proto.dims, place: place))
    if proto.hasSegment { throw PlacedError(place, "is split into segments, which is unsupported") }
    if proto.dataLocation == .external {
      let (data, file) = try external.bytes(proto, count: type.byteCount, place: place)
      location = file
      self = data.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    } else if element == .string {
      guard proto.stringData.count == type.count else {
        throw Self.countMismatch(place, type, proto.stringData.count, "strings")
      }
      self.init(strings: proto.stringData.map { [UInt8]($0) }, shape: type.shape)
    } else if proto.hasRawData {
      guard proto.rawData.count == type.byteCount else {
        throw Self.countMismatch(place, type, proto.rawData.count, "bytes")
      }
      self = proto.rawData.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    } else {
      self = try Self.fromTypedFields(proto, type: type, place: place)
    }
  }

  /// Non-negative extents whose product neither overflows nor exceeds what memory can hold.
  static func extents(_ dims: [Int64], place: String) throws -> [Int] {
    var count = 1
    for extent in dims {
      guard extent >= 0 else { throw PlacedError(place, "has the negative extent \(extent)") }
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(max(extent, 1)))
      guard !overflow, product < 1 << 48 else {
        throw PlacedError(place, "has the impossible shape \(dims)")
      }
      count = product
    }
    return dims.map { Int($0) }
  }

  private static func countMismatch(
    _ place: String, _ type: TensorType, _ found: Int, _ unit: String
  ) -> PlacedError {
    PlacedError(place, "of type \(type) comes with \(found) \(unit)")
  }

  private static func fromTypedFields(
    _ proto: Onnx_TensorProto, type: TensorType, place: String
  ) throws -> Tensor {
    func elements<Field, Element: TensorElement>(
      _ field: [Field], _ convert: (Field) -> Element
    ) throws -> Tensor {
      guard field.count == type.count else {
        throw countMismatch(place, type, field.count, "elements")
      }
      return Tensor(field.map(convert), shape: type.shape)
    }
    func bytes<Field>(_ field: [Field], _ convert: (Field) -> UInt8) throws -> Tensor {
      guard field.count == type.byteCount else {
        throw countMismatch(place, type, field.count, "elements")
      }
      return field.map(convert).withUnsafeBytes { Tensor(bytes: $0, type: type) }
    }
    let ints = proto.int32Data
    switch type.elementType {
    case .float32: return try elements(proto.floatData) { $0 }
    case .float64: return try elements(proto.doubleData) { $0 }
    case .int64: return try elements(proto.int64Data) { $0 }
    case .uint64: return try elements(proto.uint64Data) { $0 }
    case .uint32: return try elements(proto.uint64Data) { UInt32(truncatingIfNeeded: $0) }
    case .int32: return try elements(ints) { $0 }
    case .int16: return try elements(ints) { Int16(truncatingIfNeeded: $0) }
    case .uint16: return try elements(ints) { UInt16(truncatingIfNeeded: $0) }
    case .int8: return try elements(ints) { Int8(truncatingIfNeeded: $0) }
    case .uint8: return try elements(ints) { UInt8(truncatingIfNeeded: $0) }
    case .bool: return try elements(ints) { $0 != 0 }
    case .float16:
      return try elements(ints) { Float16(bitPattern: UInt16(truncatingIfNeeded: $0)) }
    case .bfloat16: return try elements(ints) { BFloat16(bits: UInt16(truncatingIfNeeded: $0)) }
    case .int4, .uint4, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      return try bytes(ints) { UInt8(truncatingIfNeeded: $0) }
    case .complex64:
      guard proto.floatData.count == 2 * type.count else {
        throw countMismatch(place, type, proto.floatData.count, "elements")
      }
      return proto.floatData.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    case .complex128:
      guard proto.doubleData.count == 2 * type.count else {
        throw countMismatch(place, type, proto.doubleData.count, "elements")
      }
      return proto.doubleData.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    case .string: throw PlacedError(place, "holds no strings")
    }
  }
}

extension Onnx_TensorProto {
  /// The message of a tensor, its elements as raw bytes.
  init(_ tensor: Tensor, name: String = "") {
    dims = tensor.shape.map { Int64($0) }
    dataType = ONNXElementType.code(of: tensor.elementType)
    if !name.isEmpty { self.name = name }
    if tensor.elementType == .string {
      stringData = tensor.strings.map { Data($0) }
    } else {
      rawData = tensor.withUnsafeBytes { Data($0) }
    }
  }

  /// The message less its elements and all that the graph models.
  var carriedFields: [UInt8] {
    var rest = self
    rest.dims = []
    rest.clearDataType()
    rest.clearName()
    rest.clearRawData()
    rest.floatData = []
    rest.int32Data = []
    rest.int64Data = []
    rest.uint64Data = []
    rest.doubleData = []
    rest.stringData = []
    rest.clearDocString()
    rest.externalData = []
    rest.clearDataLocation()
    return rest.bytes
  }
}

extension SparseTensor {
  /// The sparse tensor of a message.
  init(_ proto: Onnx_SparseTensorProto, external: ExternalData, place: String) throws {
    var location: String?
    let values = try Tensor(
      proto.values, external: external, place: "\(place), values", location: &location)
    let indices = try Tensor(
      proto.indices, external: external, place: "\(place), indices", location: &location)
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

  /// Linear places of the values.
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
  }

  /// The dense tensor.
  func dense(place: String) throws -> Tensor {
    let type = TensorType(values.elementType, shape)
    guard values.elementType.bitWidth >= 8, type.count <= Tensor.declaredCountLimit else {
      throw PlacedError(place, "a sparse tensor of type \(type) is not supported")
    }
    let result = Tensor(zeros: type)
    let width = values.elementType.bitWidth / 8
    for (index, place) in linearIndices.enumerated() {
      result.view.base.advanced(by: place * width)
        .copyMemory(from: values.view.base.advanced(by: index * width), byteCount: width)
    }
    return result
  }

  /// The nonzero elements of a dense tensor, or `nil` when that takes more bytes than it saves.
  init?(compacting tensor: Tensor) {
    guard tensor.elementType.bitWidth >= 8 else { return nil }
    let width = tensor.elementType.bitWidth / 8
    let places = tensor.withUnsafeBytes { bytes in
      (0..<tensor.count).filter { index in
        bytes[index * width..<(index + 1) * width].contains { $0 != 0 }
      }
    }
    guard places.count * (width + 8) < tensor.byteCount, !places.isEmpty else { return nil }
    let values = Tensor(uninitialized: TensorType(tensor.elementType, [places.count]))
    for (index, place) in places.enumerated() {
      values.view.base.advanced(by: index * width)
        .copyMemory(from: tensor.view.base.advanced(by: place * width), byteCount: width)
    }
    self.init(
      shape: tensor.shape, values: values, indices: Tensor(places.map { Int64($0) }))
  }
}

extension Onnx_SparseTensorProto {
  /// The message of a sparse tensor.
  init(_ sparse: SparseTensor, name: String = "") {
    values = Onnx_TensorProto(sparse.values, name: name)
    indices = Onnx_TensorProto(sparse.indices)
    dims = sparse.shape.map { Int64($0) }
  }
}
