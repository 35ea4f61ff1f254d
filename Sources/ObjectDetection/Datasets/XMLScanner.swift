import Foundation

/// A pull parser over the part of XML that annotation files use: elements, text and CDATA.
///
/// Attributes, comments and instructions are skipped.
///
/// The five predefined entities and numeric characters are read. A document type with declarations
/// of its own is an error, so that no entity can expand. Text is UTF-8;
/// ``XMLScanner/utf8(_:file:)`` converts other encodings.
struct XMLScanner {
  /// A part of a document.
  enum Event: Equatable {
    case start(String)
    case text(String)
    case end(String)
  }

  /// What is wrong, and at which byte.
  struct Failure: Error {
    var reason: String
    var offset: Int
  }

  private let bytes: [UInt8]
  private(set) var offset = 0
  private var open: [String] = []
  private var isEmptyElement = false
  private var hasRoot = false
  private static let depthLimit = 256

  /// A scanner of UTF-8 without a byte order mark.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// A document as UTF-8.
  ///
  /// Its encoding is the one that it declares, or that its byte order mark or first bytes show.
  ///
  /// - Throws: ``DatasetError/malformed(file:place:reason:)`` for bytes not of that encoding.
  static func utf8(_ data: Data, file: String) throws(DatasetError) -> [UInt8] {
    [UInt8](try TextFile.utf8(data, declared: declaredEncoding(data), file: file))
  }

  private static func declaredEncoding(_ data: Data) -> String? {
    let start = String(decoding: data.prefix(256), as: Unicode.ASCII.self)
    guard start.hasPrefix("<?xml"), let end = start.range(of: "?>"),
      let match = start[..<end.lowerBound].firstMatch(of: /encoding\s*=\s*["']([^"']+)["']/)
    else { return nil }
    return String(match.1)
  }

  /// The line of the current position, counted from 1.
  var line: Int { bytes.prefix(offset).reduce(1) { $1 == 0x0a ? $0 + 1 : $0 } }

  private func failure(_ reason: String) -> Failure { Failure(reason: reason, offset: offset) }

  private func has(_ text: String) -> Bool { bytes[offset...].starts(with: text.utf8) }

  /// The next event; `nil` at the end of the document.
  mutating func next() throws(Failure) -> Event? {
    if isEmptyElement {
      isEmptyElement = false
      return .end(open.removeLast())
    }
    while offset < bytes.count {
      if bytes[offset] != UInt8(ascii: "<") {
        if let text = try text() { return .text(text) }
      } else if has("<!--") {
        _ = try skip(4, past: "-->")
      } else if has("<![CDATA[") {
        guard !open.isEmpty else { throw failure("has text outside of elements") }
        return .text(String(decoding: try skip(9, past: "]]>"), as: UTF8.self))
      } else if has("<?") {
        _ = try skip(2, past: "?>")
      } else if has("<!") {
        let declaration = try skip(2, past: ">")
        guard !declaration.contains(UInt8(ascii: "[")) else {
          throw failure("has a document type with declarations of its own")
        }
      } else {
        return try tag()
      }
    }
    if let element = open.last { throw failure("ends inside of <\(element)>") }
    guard hasRoot else { throw failure("has no element") }
    return nil
  }

  /// Moves past the next `end`, and returns the bytes before it.
  private mutating func skip(_ count: Int, past end: String) throws(Failure) -> ArraySlice<UInt8> {
    let start = offset + count
    let marker = Array(end.utf8)
    var at = start
    while at + marker.count <= bytes.count {
      if bytes[at] == marker[0], bytes[at...].starts(with: marker) {
        offset = at + marker.count
        return bytes[start..<at]
      }
      at += 1
    }
    throw failure("has no '\(end)' where one must be")
  }

  private mutating func name() throws(Failure) -> String {
    let start = offset
    while offset < bytes.count, !Self.endsName(bytes[offset]) { offset += 1 }
    guard offset > start else { throw failure("has a tag without a name") }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private static func endsName(_ byte: UInt8) -> Bool {
    byte <= 0x20 || "/><='\"&".utf8.contains(byte)
  }

  private mutating func tag() throws(Failure) -> Event {
    offset += 1
    let isEnd = offset < bytes.count && bytes[offset] == UInt8(ascii: "/")
    if isEnd { offset += 1 }
    let name = try name()
    let isClosed = try skipAttributes()
    if isEnd {
      guard let element = open.popLast() else {
        throw failure("closes <\(name)>, which is not open")
      }
      guard element == name else { throw failure("closes <\(name)> inside of <\(element)>") }
      return .end(name)
    }
    guard !open.isEmpty || !hasRoot else { throw failure("has a second root element <\(name)>") }
    guard open.count < Self.depthLimit else { throw failure("is nested too deeply") }
    hasRoot = true
    open.append(name)
    isEmptyElement = isClosed
    return .start(name)
  }

  /// Moves past the end of a tag; returns whether it closes its element.
  private mutating func skipAttributes() throws(Failure) -> Bool {
    var quote: UInt8?
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: "<") {
        throw failure("has a tag inside of a tag")
      } else if byte == UInt8(ascii: ">") {
        return bytes[offset - 2] == UInt8(ascii: "/")
      }
    }
    throw failure("ends inside of a tag")
  }

  /// Text up to the next tag; `nil` for white space outside of elements.
  private mutating func text() throws(Failure) -> String? {
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") { offset += 1 }
    let raw = bytes[start..<offset]
    guard !open.isEmpty else {
      guard raw.allSatisfy({ $0 <= 0x20 }) else { throw failure("has text outside of elements") }
      return nil
    }
    let text = String(decoding: raw, as: UTF8.self)
    guard text.contains("&") else { return text }
    var result = ""
    for (index, part) in text.split(separator: "&", omittingEmptySubsequences: false).enumerated() {
      guard index > 0 else {
        result += part
        continue
      }
      guard let end = part.firstIndex(of: ";"), let character = Self.entity(part[..<end]) else {
        throw failure("has an unknown entity '&\(part.prefix(12))'")
      }
      result.append(character)
      result += part[part.index(after: end)...]
    }
    return result
  }

  private static func entity(_ name: Substring) -> Character? {
    switch name {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default:
      let code =
        name.hasPrefix("#x")
        ? UInt32(name.dropFirst(2), radix: 16)
        : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
      return code.flatMap(Unicode.Scalar.init).map(Character.init)
    }
  }
}
