import Foundation
import Tensors

/// NumPy's `.npy` files: one tensor each, versions 1.0 to 3.0, little-endian, row-major.
///
/// Reference: NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*.
public enum NPYFormat {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private static let descriptors: [(code: String, type: ElementType)] = [
    ("<f4", .float32), ("<f8", .float64), ("<f2", .float16), ("|i1", .int8), ("<i2", .int16),
    ("<i4", .int32), ("<i8", .int64), ("|u1", .uint8), ("<u2", .uint16), ("<u4", .uint32),
    ("<u8", .uint64), ("|b1", .bool),
  ]

  /// The tensor in a file.
  ///
  /// - Throws: ``NPYError`` when the file is not `.npy`, of an unknown element type or cut short,
  ///   ``FormatError`` when it cannot be read.
  public static func load(_ url: URL) throws -> Tensor {
    try parse([UInt8](try InputFile.data(url)), file: url.path)
  }

  /// The tensor in the bytes of a file.
  ///
  /// - Throws: ``NPYError``, naming `file`.
  public static func parse(_ bytes: [UInt8], file: String) throws -> Tensor {
    guard bytes.count > 10, bytes.starts(with: magic) else { throw NPYError.notNPY(file) }
    let prefix = bytes[6] >= 2 ? 12 : 10
    guard bytes.count >= prefix else { throw NPYError.truncated(file) }
    let length = bytes[8..<prefix].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard bytes.count >= prefix + length else { throw NPYError.truncated(file) }
    let header = String(decoding: bytes[prefix..<prefix + length], as: UTF8.self)
    guard let type = try tensorType(header: header, file: file) else {
      throw NPYError.header(file, header)
    }
    let body = bytes[(prefix + length)...]
    guard body.count == type.byteCount else { throw NPYError.truncated(file) }
    return body.withUnsafeBytes { Tensor(bytes: $0, type: type) }
  }

  private static func tensorType(header: String, file: String) throws -> TensorType? {
    guard let descr = header.firstMatch(of: /'descr':\s*'([^']+)'/)?.1,
      let shape = header.firstMatch(of: /'shape':\s*\(([^)]*)\)/)?.1,
      header.contains(/'fortran_order':\s*False/)
    else { return nil }
    guard let element = descriptors.first(where: { $0.code == descr })?.type else {
      throw NPYError.elementType(file, String(descr))
    }
    let parts = shape.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    var extents: [Int] = []
    for part in parts where !part.isEmpty {
      guard let extent = Int(part), extent >= 0 else { return nil }
      extents.append(extent)
    }
    return try? TensorType(checking: element, extents)
  }

  /// The bytes of a file that holds `tensor`.
  ///
  /// - Throws: ``NPYError/elementType(_:_:)`` for types NumPy does not have.
  public static func serialize(_ tensor: Tensor) throws -> Data {
    guard let code = descriptors.first(where: { $0.type == tensor.elementType })?.code else {
      throw NPYError.elementType("the tensor", tensor.elementType.rawValue)
    }
    let extents = tensor.shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
    let length = header.utf8.count
    var data = Data(magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)])
    data.append(contentsOf: header.utf8)
    tensor.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }
}

/// What is wrong with a `.npy` file.
public enum NPYError: Error, Equatable, CustomStringConvertible {
  case notNPY(String)
  case truncated(String)
  case header(String, String)
  case elementType(String, String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .notNPY(let file): "\(file): is not a NumPy .npy file"
    case .truncated(let file): "\(file): holds fewer or more elements than its header declares"
    case .header(let file, let header):
      "\(file): header '\(header.prefix(120))' is not that of a row-major array"
    case .elementType(let file, let type):
      "\(file): element type '\(type)' is not one of the supported little-endian number types"
    }
  }
}
