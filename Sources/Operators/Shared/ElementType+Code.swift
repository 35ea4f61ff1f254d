import GraphIR
import Tensors

extension ElementType {
  /// ONNX's number for each element type.
  private static let codes: [Int: ElementType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 8: .string,
    9: .bool, 10: .float16, 11: .float64, 12: .uint32, 13: .uint64, 14: .complex64,
    15: .complex128, 16: .bfloat16, 17: .float8e4m3fn, 18: .float8e4m3fnuz, 19: .float8e5m2,
    20: .float8e5m2fnuz, 21: .uint4, 22: .int4,
  ]

  /// The type an attribute names by its number in ONNX's `TensorProto.DataType`.
  ///
  /// - Throws: `AttributeError.invalid` when there is no such type.
  init(code: Int, attribute: String) throws {
    guard let type = Self.codes[code] else {
      throw AttributeError.invalid(name: attribute, reason: "is \(code), which is no element type")
    }
    self = type
  }
}
