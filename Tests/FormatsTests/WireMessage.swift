/// A protocol buffer message, put together byte by byte and apart from the code under test.
struct WireMessage {
  var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  func number(_ field: UInt64, _ value: Int) -> WireMessage {
    WireMessage(
      bytes: bytes + Self.varint(field << 3) + Self.varint(UInt64(bitPattern: Int64(value))))
  }

  func data(_ field: UInt64, _ body: [UInt8]) -> WireMessage {
    WireMessage(
      bytes: bytes + Self.varint(field << 3 | 2) + Self.varint(UInt64(body.count)) + body)
  }

  func text(_ field: UInt64, _ text: String) -> WireMessage { data(field, Array(text.utf8)) }

  func message(_ field: UInt64, _ message: WireMessage) -> WireMessage {
    data(field, message.bytes)
  }

  func packed(_ field: UInt64, _ numbers: [Int]) -> WireMessage {
    data(field, numbers.flatMap { Self.varint(UInt64(bitPattern: Int64($0))) })
  }

  func packed<Value: BitwiseCopyable>(_ field: UInt64, littleEndian values: [Value]) -> WireMessage
  {
    data(field, values.withUnsafeBytes { [UInt8]($0) })
  }
}

extension WireMessage {
  /// A `ModelProto` of IR version 8 and opset 17 around a graph.
  static func model(_ graph: WireMessage) -> WireMessage {
    WireMessage().number(1, 8).message(7, graph).message(8, WireMessage().number(2, 17))
  }

  /// A `TensorProto` without elements.
  static func tensor(_ name: String, type: Int, dims: [Int]) -> WireMessage {
    let start = dims.reduce(WireMessage()) { $0.number(1, $1) }
    return start.number(2, type).text(8, name)
  }

  /// A `NodeProto`.
  static func node(
    _ opType: String, _ inputs: [String], _ outputs: [String], name: String = ""
  ) -> WireMessage {
    let read = inputs.reduce(WireMessage()) { $0.text(1, $1) }
    return outputs.reduce(read) { $0.text(2, $1) }.text(3, name).text(4, opType)
  }

  /// A `ValueInfoProto` of float32 with the given extents.
  static func value(_ name: String, _ extents: [Int]) -> WireMessage {
    let shape = extents.reduce(WireMessage()) { $0.message(1, WireMessage().number(1, $1)) }
    let tensor = WireMessage().number(1, 1).message(2, shape)
    return WireMessage().text(1, name).message(2, WireMessage().message(1, tensor))
  }
}
