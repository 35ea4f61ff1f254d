import Foundation

/// A pull parser over JSON bytes, for files too large to hold as a tree of objects.
///
/// The caller asks for what it expects and skips what it does not need. So memory is bounded by
/// what the caller keeps.
struct JSONScanner {
  /// What is wrong, and where.
  struct Failure: Error {
    var reason: String
    /// The byte.
    var offset: Int
    /// Whether the JSON itself is valid, and a value is not what it must be.
    var isOfValue = false
    /// The value it happened in: `annotations[17].bbox`.
    var path = ""

    /// The same failure inside the value of a key or an element of a list.
    func inside(_ step: String) -> Failure {
      var failure = self
      let joint = path.isEmpty || path.hasPrefix("[") ? "" : "."
      failure.path = step + joint + path
      return failure
    }
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var offset = 0
  private static let depthLimit = 256

  /// A scanner of UTF-8 without a byte order mark.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func failure(_ reason: String) -> Failure { Failure(reason: reason, offset: offset) }

  /// A failure about a value in valid JSON.
  func refusal(_ reason: String) -> Failure {
    Failure(reason: reason, offset: offset, isOfValue: true)
  }

  /// A failure for a value of another type than expected.
  private mutating func mismatch(_ expected: String) throws(Failure) -> Failure {
    let found: String
    switch try peek() {
    case UInt8(ascii: "\""): found = "a text"
    case UInt8(ascii: "{"): found = "an object"
    case UInt8(ascii: "["): found = "a list"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): found = "true or false"
    case UInt8(ascii: "n"): found = "null"
    case UInt8(ascii: "N"), UInt8(ascii: "I"): found = "a number that is not finite"
    case UInt8(ascii: "-"), 0x30...0x39: found = "a number"
    default: return failure("has no \(expected) where one must be")
    }
    return refusal("expected \(expected), found \(found)")
  }

  private mutating func skipSpace() {
    while offset < bytes.count, bytes[offset] <= 0x20 { offset += 1 }
  }

  /// The next byte that is not white space, unread.
  mutating func peek() throws(Failure) -> UInt8 {
    skipSpace()
    guard offset < bytes.count else { throw failure("ends too early") }
    return bytes[offset]
  }

  private mutating func expect(_ byte: UInt8) throws(Failure) {
    guard try peek() == byte else {
      throw failure("has no '\(Character(UnicodeScalar(byte)))' where one must be")
    }
    offset += 1
  }

  /// Calls `body` for each element of an array.
  mutating func array(
    _ body: (inout JSONScanner) throws -> Void
  ) throws {
    guard try peek() == UInt8(ascii: "[") else { throw try mismatch("list '['") }
    offset += 1
    if try peek() == UInt8(ascii: "]") {
      offset += 1
      return
    }
    for index in 0... {
      do {
        try body(&self)
      } catch let failure as Failure {
        throw failure.inside("[\(index)]")
      }
      if try peek() == UInt8(ascii: ",") {
        offset += 1
        continue
      }
      return try expect(UInt8(ascii: "]"))
    }
  }

  /// Calls `body` with each key of an object; it must read or skip the value.
  mutating func object(
    _ body: (inout JSONScanner, _ key: String) throws -> Void
  ) throws {
    guard try peek() == UInt8(ascii: "{") else { throw try mismatch("object '{'") }
    offset += 1
    if try peek() == UInt8(ascii: "}") {
      offset += 1
      return
    }
    while true {
      let key = try string()
      try expect(UInt8(ascii: ":"))
      do {
        try body(&self, key)
      } catch let failure as Failure {
        throw failure.inside(key)
      }
      if try peek() == UInt8(ascii: ",") {
        offset += 1
        continue
      }
      return try expect(UInt8(ascii: "}"))
    }
  }

  /// Skips a value that counts as absent: `null`, `[]` or `""`.
  ///
  /// Returns whether there was one.
  mutating func takeNothing() throws(Failure) -> Bool {
    let start = offset
    switch try peek() {
    case UInt8(ascii: "n"):
      try skip()
      return true
    case UInt8(ascii: "["):
      offset += 1
      if try peek() == UInt8(ascii: "]") {
        offset += 1
        return true
      }
    case UInt8(ascii: "\""):
      if offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\"") {
        offset += 2
        return true
      }
    default: break
    }
    offset = start
    return false
  }

  /// Whether a text comes next.
  mutating func isAtString() throws(Failure) -> Bool { try peek() == UInt8(ascii: "\"") }

  /// A string.
  mutating func string() throws(Failure) -> String {
    guard try peek() == UInt8(ascii: "\"") else { throw try mismatch("text") }
    offset += 1
    let start = offset
    var isPlain = true
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
      if bytes[offset] == UInt8(ascii: "\\") {
        isPlain = false
        offset += 1
      }
      offset += 1
    }
    guard offset < bytes.count else { throw failure("has a string without an end") }
    let text = bytes[start..<offset]
    offset += 1
    if isPlain {
      guard let plain = String(validating: text, as: UTF8.self) else {
        throw refusal("is not UTF-8; convert the file (iconv -f ENCODING -t UTF-8)")
      }
      return plain
    }
    let quoted = Data([UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")])
    let value = try? JSONSerialization.jsonObject(with: quoted, options: .fragmentsAllowed)
    guard let value = value as? String else { throw failure("has a malformed string") }
    return value
  }

  /// A finite number.
  mutating func number() throws(Failure) -> Double {
    _ = try peek()
    let start = offset
    if let short = shortNumber() { return short }
    offset = start
    while offset < bytes.count, Self.isNumeric(bytes[offset]) { offset += 1 }
    guard offset > start, offset - start < 512 else { throw try mismatch("number") }
    var text = [CChar](unsafeUninitializedCapacity: offset - start + 1) { buffer, count in
      for index in 0..<offset - start { buffer[index] = CChar(bitPattern: bytes[start + index]) }
      buffer[offset - start] = 0
      count = offset - start + 1
    }
    var end: UnsafeMutablePointer<CChar>?
    let length = offset - start
    let (value, consumed) = text.withUnsafeMutableBufferPointer { buffer -> (Double, Int) in
      guard let base = buffer.baseAddress else { return (.nan, 0) }
      let value = strtod(base, &end)
      return (value, end.map { $0 - base } ?? 0)
    }
    guard consumed == length, value.isFinite else { throw failure("has a malformed number") }
    return value
  }

  /// A number of at most 15 digits with a small negative exponent, for which one division gives the
  /// correctly rounded result.
  private mutating func shortNumber() -> Double? {
    var isNegative = false
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") {
      isNegative = true
      offset += 1
    }
    var mantissa: Int64 = 0
    var digits = 0
    var decimals = 0
    var isFraction = false
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte >= 0x30, byte <= 0x39 {
        mantissa = mantissa * 10 + Int64(byte - 0x30)
        digits += 1
        if isFraction { decimals += 1 }
        guard digits <= 15 else { return nil }
      } else if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
      } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        return nil
      } else {
        break
      }
      offset += 1
    }
    guard digits > 0 else { return nil }
    let value = Double(mantissa) / Self.powers[decimals]
    return isNegative ? -value : value
  }

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  /// An integer; `true` and `false` count as 1 and 0.
  mutating func integer() throws(Failure) -> Int {
    let byte = try peek()
    if byte == UInt8(ascii: "t") || byte == UInt8(ascii: "f") {
      try skip()
      return byte == UInt8(ascii: "t") ? 1 : 0
    }
    let start = offset
    if let whole = plainInteger() { return whole }
    offset = start
    let value = try number()
    guard let whole = Int(exactly: value) else {
      throw refusal("expected a whole number, found \(value)")
    }
    return whole
  }

  /// An integer of at most 18 digits, perhaps after a minus sign, with nothing behind it.
  private mutating func plainInteger() -> Int? {
    let isNegative = offset < bytes.count && bytes[offset] == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let start = offset
    var value = 0
    while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) {
      guard offset - start < 18 else { return nil }
      value = value * 10 + Int(bytes[offset] - 0x30)
      offset += 1
    }
    guard offset > start, offset == bytes.count || !Self.isNumeric(bytes[offset]) else {
      return nil
    }
    return isNegative ? -value : value
  }

  /// Skips any value.
  mutating func skip() throws(Failure) {
    var depth = 0
    repeat {
      let byte = try peek()
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        guard depth <= Self.depthLimit else { throw failure("is nested too deeply") }
        offset += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        guard depth >= 0 else { throw failure("closes what was not opened") }
        offset += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw failure("has no value where one must be") }
        offset += 1
        continue
      case UInt8(ascii: "\""): _ = try skipString()
      default:
        let start = offset
        while offset < bytes.count, Self.isNumeric(bytes[offset]) || Self.isLetter(bytes[offset]) {
          offset += 1
        }
        guard offset > start else { throw failure("has an unexpected character") }
      }
    } while depth > 0
  }

  private mutating func skipString() throws(Failure) {
    offset += 1
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
      offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard offset < bytes.count else { throw failure("has a string without an end") }
    offset += 1
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  /// Checks that nothing but white space is left.
  mutating func end() throws(Failure) {
    skipSpace()
    guard offset == bytes.count else { throw failure("has something after its end") }
  }
}
