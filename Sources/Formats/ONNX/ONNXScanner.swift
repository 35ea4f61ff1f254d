import Foundation

/// An ONNX model message whose tensors' `raw_data` stays in the file.
struct ONNXSkeleton {
  /// The message; each `raw_data` holds the eight little-endian bytes of an index into
  /// ``payloads``.
  var message: Data
  /// The range of each `raw_data` in the file.
  var payloads: [Range<Int>]

  /// Walks over the bytes of a model file.
  ///
  /// - Throws: ``PlacedError`` at the first field that is not a valid protocol buffer field.
  init(_ data: Data) throws {
    (message, payloads) = try data.withUnsafeBytes { bytes in
      var scanner = ONNXScanner(bytes)
      let message = try scanner.scan(0..<bytes.count, as: .model)
      return (message.map { Data($0) } ?? data, scanner.payloads)
    }
  }
}

/// Walks over the wire format and checks tags, lengths and nesting before anything is allocated.
///
/// Reference: *Protocol Buffers: Encoding*. Groups, which ONNX never uses, are refused.
private struct ONNXScanner {
  /// The messages that may contain a tensor.
  enum Message: String {
    case model, graph, node, attribute, tensor
    case sparseTensor = "sparse tensor"

    /// The message that a field of this one holds, when tensors may lie inside.
    func child(_ field: UInt64) -> Message? {
      switch (self, field) {
      case (.model, 7), (.attribute, 6), (.attribute, 11): .graph
      case (.graph, 1): .node
      case (.node, 5): .attribute
      case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2):
        .tensor
      case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparseTensor
      default: nil
      }
    }
  }

  private static let rawData: UInt64 = 9
  private static let depthLimit = 64
  private let bytes: UnsafeRawBufferPointer
  private(set) var payloads: [Range<Int>] = []
  /// The messages around the current position, each with its index among those of its kind in its
  /// parent.
  private var path: [(message: Message, index: Int)] = []

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The message in `range` without `raw_data`, or `nil` when it holds none.
  mutating func scan(_ range: Range<Int>, as message: Message) throws -> [UInt8]? {
    var skeleton: [UInt8] = []
    var copied = range.lowerBound
    var offset = range.lowerBound
    var counts: [Message: Int] = [:]
    while offset < range.upperBound {
      let start = offset
      let key = try varint(&offset, range.upperBound)
      let field = key >> 3
      guard (1...0x1fff_ffff).contains(field) else {
        throw failure(start, "a field of the impossible number \(field)")
      }
      guard let body = try body(key & 7, &offset, range.upperBound, from: start) else { continue }
      if message == .tensor, field == Self.rawData {
        skeleton += bytes[copied..<start]
        skeleton += [UInt8(truncatingIfNeeded: key), 8]
        withUnsafeBytes(of: UInt64(payloads.count).littleEndian) { skeleton += $0 }
        payloads.append(body)
        copied = body.upperBound
      } else if let child = message.child(field) {
        guard path.count < Self.depthLimit else { throw failure(start, "nesting too deep") }
        path.append((child, counts[child, default: 0]))
        counts[child, default: 0] += 1
        if let inner = try scan(body, as: child) {
          skeleton += bytes[copied..<start]
          append(key, to: &skeleton)
          append(UInt64(inner.count), to: &skeleton)
          skeleton += inner
          copied = body.upperBound
        }
        path.removeLast()
      }
    }
    guard copied > range.lowerBound else { return nil }
    skeleton += bytes[copied..<range.upperBound]
    return skeleton
  }

  /// Skips over a field's value; the range of its bytes when it is delimited by a length.
  private func body(
    _ wireType: UInt64, _ offset: inout Int, _ end: Int, from start: Int
  ) throws -> Range<Int>? {
    let width: Int
    switch wireType {
    case 0:
      _ = try varint(&offset, end)
      return nil
    case 1: width = 8
    case 5: width = 4
    case 2:
      let length = try varint(&offset, end)
      guard length <= UInt64(end - offset) else {
        throw failure(start, "a field of \(length) bytes where \(end - offset) are left")
      }
      defer { offset += Int(length) }
      return offset..<offset + Int(length)
    default: throw failure(start, "a field of the unknown wire type \(wireType)")
    }
    guard width <= end - offset else {
      throw failure(start, "a field of \(width) bytes where \(end - offset) are left")
    }
    offset += width
    return nil
  }

  private func varint(_ offset: inout Int, _ end: Int) throws -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard offset < end else { throw failure(start, "a number that is cut short") }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw failure(start, "a number of more than ten bytes")
  }

  private func append(_ number: UInt64, to skeleton: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      skeleton.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    skeleton.append(UInt8(rest))
  }

  private func failure(_ offset: Int, _ reason: String) -> PlacedError {
    let steps = path.map { $0.message == .graph ? "graph" : "\($0.message.rawValue) \($0.index)" }
    return PlacedError(
      (["byte \(offset)"] + steps).joined(separator: ", "),
      "is not an ONNX model, or is cut short or damaged: \(reason)")
  }
}
