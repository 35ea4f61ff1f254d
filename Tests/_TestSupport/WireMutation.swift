import Foundation

/// Protocol buffer messages bent field by field, so that what comes out still parses and lies.
public enum WireMutation {
  /// A copy with one to three fields changed; bytes that are no message come back damaged as bytes.
  public static func apply(to data: Data, using random: inout SplitMix64) -> Data {
    guard var fields = WireField.parse(ArraySlice([UInt8](data)), depth: 0), !fields.isEmpty else {
      return Mutation.bitFlips.apply(to: data, using: &random)
    }
    let leaves = WireField.leaves(of: fields)
    for _ in 0..<Int.random(in: 1...3, using: &random) { bend(&fields, leaves, &random) }
    return Data(fields.flatMap(\.bytes))
  }

  /// Changes one field of a message or of one of those inside it.
  private static func bend(
    _ fields: inout [WireField], _ leaves: [[UInt8]], _ random: inout SplitMix64
  ) {
    guard !fields.isEmpty else { return }
    let index = Int.random(in: fields.indices, using: &random)
    if case .message(var inner) = fields[index].body, Int.random(in: 0..<8, using: &random) > 0 {
      bend(&inner, leaves, &random)
      fields[index].body = .message(inner)
      return
    }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: fields.remove(at: index)
    case 1: fields.insert(fields[index], at: index)
    case 2: fields.swapAt(index, Int.random(in: fields.indices, using: &random))
    default: fields[index].body = bent(fields[index].body, leaves, &random)
    }
  }

  private static func bent(
    _ body: WireField.Body, _ leaves: [[UInt8]], _ random: inout SplitMix64
  ) -> WireField.Body {
    switch body {
    case .number(let value):
      return .number(
        Bool.random(using: &random)
          ? Edge.integer(&random)
          : value &+ UInt64(bitPattern: Int64.random(in: -3...3, using: &random)))
    case .fixed(let bytes):
      let value = Edge.float(&random)
      return .fixed(
        bytes.count == 4
          ? withUnsafeBytes(of: Float(value)) { [UInt8]($0) }
          : withUnsafeBytes(of: value) { [UInt8]($0) })
    case .bytes(let bytes): return .bytes(bent(bytes, leaves, &random))
    case .message(let inner):
      return .bytes(leaves.randomElement(using: &random) ?? inner.flatMap(\.bytes))
    }
  }

  private static func bent(
    _ bytes: [UInt8], _ leaves: [[UInt8]], _ random: inout SplitMix64
  ) -> [UInt8] {
    var bytes = bytes
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return leaves.randomElement(using: &random) ?? bytes
    case 1:
      return (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in
        WireField.varint(Edge.integer(&random))
      }
    case 2:
      return (0..<max(1, bytes.count / 8)).flatMap { _ in
        withUnsafeBytes(of: Edge.integer(&random)) { [UInt8]($0) }
      }
    case 3:
      return (0..<max(1, bytes.count / 4)).flatMap { _ in
        withUnsafeBytes(of: Float(Edge.float(&random))) { [UInt8]($0) }
      }
    case 4 where !bytes.isEmpty:
      bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
      return bytes
    default: return Array(bytes.dropLast(Int.random(in: 1...4, using: &random)))
    }
  }
}

/// Numbers at which sizes and indices go wrong.
public enum Edge {
  /// Zero, small numbers, powers of two and the ends of the ranges, as bits.
  public static func integer(_ random: inout SplitMix64) -> UInt64 {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: UInt64(bitPattern: Int64.random(in: -4...16, using: &random))
    case 1: 1 << UInt64.random(in: 0..<64, using: &random)
    case 2: (1 << UInt64.random(in: 0..<64, using: &random)) &- 1
    case 3: UInt64(bitPattern: -(1 << Int64.random(in: 0..<63, using: &random)))
    case 4:
      [0, .max, 1 << 63, (1 << 63) - 1, 100_000, 1 << 24, 1 << 31].randomElement(using: &random)
        ?? 0
    default: UInt64.random(in: 0...4096, using: &random)
    }
  }

  /// Zeros, infinities, NaN and numbers near the ends.
  public static func float(_ random: inout SplitMix64) -> Double {
    let edges: [Double] = [
      0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e-45, 1e30, -1e30, 3e38, 1e300, 0.5, 1e9,
    ]
    return edges.randomElement(using: &random) ?? 0
  }
}

/// One field of a message on the wire.
struct WireField {
  /// What a field holds.
  indirect enum Body {
    case number(UInt64)
    case fixed([UInt8])
    case bytes([UInt8])
    case message([WireField])
  }

  var number: UInt64
  var body: Body

  /// The fields of a message, `nil` for bytes that are none.
  static func parse(_ bytes: ArraySlice<UInt8>, depth: Int) -> [WireField]? {
    var fields: [WireField] = []
    var rest = bytes
    while !rest.isEmpty {
      guard let key = takeVarint(&rest), (1...1000).contains(key >> 3) else { return nil }
      let body: Body
      switch key & 7 {
      case 0:
        guard let value = takeVarint(&rest) else { return nil }
        body = .number(value)
      case 1, 5:
        let width = key & 7 == 1 ? 8 : 4
        guard rest.count >= width else { return nil }
        body = .fixed(Array(rest.prefix(width)))
        rest = rest.dropFirst(width)
      case 2:
        guard let length = takeVarint(&rest), length <= UInt64(rest.count) else { return nil }
        let part = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        let inner = depth < 12 && part.count > 1 ? parse(part, depth: depth + 1) : nil
        body = inner.map { .message($0) } ?? .bytes(Array(part))
      default: return nil
      }
      fields.append(WireField(number: key >> 3, body: body))
    }
    return fields
  }

  /// The contents of all fields that hold no message.
  static func leaves(of fields: [WireField]) -> [[UInt8]] {
    fields.flatMap { field -> [[UInt8]] in
      switch field.body {
      case .bytes(let bytes): [bytes]
      case .message(let inner): leaves(of: inner)
      default: []
      }
    }
  }

  /// The field on the wire.
  var bytes: [UInt8] {
    switch body {
    case .number(let value): Self.varint(number << 3) + Self.varint(value)
    case .fixed(let bytes): Self.varint(number << 3 | (bytes.count == 8 ? 1 : 5)) + bytes
    case .bytes(let bytes):
      Self.varint(number << 3 | 2) + Self.varint(UInt64(bytes.count)) + bytes
    case .message(let inner):
      WireField(number: number, body: .bytes(inner.flatMap(\.bytes))).bytes
    }
  }

  private static func takeVarint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
