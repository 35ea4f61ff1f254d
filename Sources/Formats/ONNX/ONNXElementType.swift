import Tensors

/// ONNX's codes for element types.
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
