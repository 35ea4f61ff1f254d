import Foundation
import GraphIR
import Tensors

extension Tensor {
  /// The tensor of a message.
  init(_ proto: Onnx_TensorProto, source: TensorSource, place: String) throws {
    let type = try Self.type(of: proto, place: place)
    if proto.hasSegment { throw PlacedError(place, "is split into segments, which is unsupported") }
    if proto.dataLocation == .external {
      self = try source.external(proto, type: type, place: place)
    } else if type.elementType == .string {
      guard proto.stringData.count == type.count else {
        throw Self.countMismatch(place, type, proto.stringData.count, "strings")
      }
      self.init(strings: proto.stringData.map { [UInt8]($0) }, shape: type.shape)
    } else if proto.hasRawData, source.withRawData(proto, { !$0.isEmpty }) || type.count == 0 {
      self = try source.withRawData(proto) { bytes in
        guard bytes.count == type.byteCount else {
          throw Self.countMismatch(place, type, bytes.count, "bytes")
        }
        return Tensor(bytes: bytes, type: type).normalizingBooleans()
      }
    } else {
      self = try Self.fromTypedFields(proto, type: type, place: place)
    }
  }

  /// The element type and shape that a message declares.
  static func type(of proto: Onnx_TensorProto, place: String) throws -> TensorType {
    guard let element = ONNXElementType.type(of: proto.dataType) else {
      throw PlacedError(place, "has the unknown element type \(proto.dataType)")
    }
    return TensorType(element, try extents(proto.dims, place: place))
  }

  /// Non-negative extents whose product neither overflows nor exceeds what memory can hold.
  static func extents(_ dims: [Int64], place: String) throws -> [Int] {
    if let extent = dims.first(where: { $0 < 0 }) {
      throw PlacedError(place, "has the negative extent \(extent)")
    }
    let count = dims.lazy.map { Int(max($0, 1)) }.checkedProduct
    guard count.clamped < 1 << 48 else {
      throw PlacedError(place, "has the impossible shape \(dims)")
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
  /// Sets type, shape and elements, as raw bytes unless they are strings.
  mutating func set(_ tensor: Tensor) {
    dims = tensor.shape.map { Int64($0) }
    dataType = ONNXElementType.code(of: tensor.elementType)
    if tensor.elementType == .string {
      stringData = tensor.strings.map { Data($0) }
    } else {
      rawData = tensor.withUnsafeBytes { Data($0) }
    }
  }

  /// The message without type, shape and elements.
  var withoutElements: Onnx_TensorProto {
    var rest = self
    rest.dims = []
    rest.clearDataType()
    rest.clearRawData()
    rest.floatData = []
    rest.int32Data = []
    rest.int64Data = []
    rest.uint64Data = []
    rest.doubleData = []
    rest.stringData = []
    rest.externalData = []
    if dataLocation == .external { rest.clearDataLocation() }
    return rest
  }

  /// The fields of an initializer's message that the graph does not model.
  var carriedFields: [UInt8] {
    var rest = withoutElements
    rest.clearName()
    if !docString.isEmpty { rest.clearDocString() }
    return rest.bytes
  }
}
