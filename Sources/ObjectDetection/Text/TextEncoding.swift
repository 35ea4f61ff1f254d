import Foundation

/// Converts the bytes of a text to UTF-8.
///
/// The encoding is found by byte order mark or width, else it is the one that the text declares.
///
/// glibc's iconv converts. Only encodings that annotation tools write are passed to it, because
/// some of its rarer tables let hostile bytes end the process.
enum TextEncoding {
  /// Why bytes are not text, and in which line.
  struct Failure: Error {
    var reason: String
    var line: Int
  }

  /// The text as UTF-8 without a byte order mark; the same bytes where they are that already.
  ///
  /// - Parameter declared: The encoding that the text declares; a byte order mark takes precedence.
  static func utf8(_ data: Data, declared: String? = nil) throws(Failure) -> Data {
    for (mark, name) in marks where data.starts(with: mark) {
      let rest = data.dropFirst(mark.count)
      return name == "UTF-8" ? try checked(rest, declared: nil) : try converted(rest, from: name)
    }
    // UTF-16 without a mark: in Latin letters every other byte is 0.
    switch [UInt8](data.prefix(4)).map({ $0 == 0 }) {
    case [false, true, false, true]: return try converted(data, from: "UTF-16LE")
    case [true, false, true, false]: return try converted(data, from: "UTF-16BE")
    default: break
    }
    guard let declared, let name = try convertible(declared) else {
      return try checked(data, declared: declared)
    }
    return try converted(data, from: name)
  }

  /// Byte order marks; UTF-32's begins with UTF-16's.
  private static let marks: [([UInt8], String)] = [
    ([0xef, 0xbb, 0xbf], "UTF-8"), ([0xff, 0xfe, 0, 0], "UTF-32LE"),
    ([0, 0, 0xfe, 0xff], "UTF-32BE"),
    ([0xff, 0xfe], "UTF-16LE"), ([0xfe, 0xff], "UTF-16BE"),
  ]

  private static func checked(_ data: Data, declared: String?) throws(Failure) -> Data {
    if let end = data.lastIndex(where: { $0 != 0 }), let place = data[..<end].firstIndex(of: 0) {
      throw Failure(
        reason: "holds NUL bytes, as no text does; convert it to UTF-8",
        line: data[..<place].count { $0 == 0x0a } + 1)
    }
    if String(validating: data, as: UTF8.self) != nil { return data }
    let lines = data.split(separator: 0x0a, omittingEmptySubsequences: false)
    let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    let what = declared.map { "is not the \($0) it declares" } ?? "is not UTF-8"
    throw Failure(
      reason: "\(what); convert it to UTF-8 (iconv -f ENCODING -t UTF-8)", line: bad + 1)
  }

  /// iconv's name for an encoding; `nil` for UTF-8, and for UTF-16 whose declaration was readable
  /// as bytes.
  private static func convertible(_ declared: String) throws(Failure) -> String? {
    let key = declared.lowercased().filter { $0.isLetter || $0.isNumber }
    if ["utf8", "unicode11utf8", "usascii", "ascii"].contains(key) { return nil }
    if key.hasPrefix("utf16") || key.hasPrefix("ucs2") || key == "unicode" { return nil }
    if let name = names[key] { return name }
    if let number = suffix(of: key, after: "iso8859"), (1...16).contains(number), number != 12 {
      return "ISO-8859-\(number)"
    }
    for prefix in ["windows", "cp", "xcp", "ansi"] {
      if let page = suffix(of: key, after: prefix), (1250...1258).contains(page) {
        return "CP\(page)"
      }
    }
    throw Failure(
      reason: "declares the encoding '\(declared.prefix(40))', which is not read; "
        + "convert it to UTF-8 (iconv -f ENCODING -t UTF-8)", line: 1)
  }

  private static func suffix(of key: String, after prefix: String) -> Int? {
    key.hasPrefix(prefix) ? Int(key.dropFirst(prefix.count)) : nil
  }

  /// iconv's names of encodings, by declared name without punctuation.
  ///
  /// Where tools write a larger set than they declare, the larger one is read, as browsers do.
  private static let names: [String: String] = {
    let families: [(String, [String])] = [
      (
        "GB18030",
        ["gb2312", "gbk", "gb18030", "cp936", "windows936", "ms936", "xgbk", "euccn", "gb23121980"]
      ),
      ("BIG5-HKSCS", ["big5", "big5hkscs", "cp950", "windows950", "bigfive", "xxbig5", "cnbig5"]),
      ("CP932", ["shiftjis", "sjis", "xsjis", "cp932", "windows31j", "ms932", "mskanji"]),
      ("EUC-JP", ["eucjp", "xeucjp", "ujis"]),
      ("UHC", ["euckr", "ksc56011987", "ksc5601", "cp949", "uhc", "windows949", "ms949"]),
      ("ISO-8859-1", ["latin1", "l1"]), ("ISO-8859-2", ["latin2", "l2"]),
      ("ISO-8859-9", ["latin5", "l5"]), ("ISO-8859-15", ["latin9", "l9"]),
      ("KOI8-R", ["koi8r", "koi8"]), ("KOI8-U", ["koi8u"]),
      ("CP874", ["tis620", "windows874", "cp874"]), ("MACINTOSH", ["macintosh", "macroman"]),
      ("CP437", ["cp437", "ibm437"]), ("CP850", ["cp850", "ibm850"]),
      ("CP866", ["cp866", "ibm866"]),
    ]
    return Dictionary(
      families.flatMap { name, keys in keys.map { ($0, name) } }, uniquingKeysWith: { a, _ in a })
  }()

  private static func converted(_ data: Data, from name: String) throws(Failure) -> Data {
    let converter = iconv_open("UTF-8", name)
    guard let converter, converter != iconv_t(bitPattern: -1) else {
      throw Failure(
        reason: "is in \(name), which this system has no table for; convert it to UTF-8", line: 1)
    }
    defer { iconv_close(converter) }
    var source = [CChar](data.map { CChar(bitPattern: $0) })
    // One byte of these encodings becomes at most four.
    var target = [CChar](repeating: 0, count: 4 * source.count + 16)
    let written = source.withUnsafeMutableBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target -> (isWhole: Bool, count: Int) in
        var (from, left) = (source.baseAddress, source.count)
        var (to, room) = (target.baseAddress, target.count)
        let status = iconv(converter, &from, &left, &to, &room)
        return (status != -1 && left == 0, target.count - room)
      }
    }
    let result = Data(target.prefix(written.count).map { UInt8(bitPattern: $0) })
    guard written.isWhole else {
      throw Failure(
        reason: "is not the \(name) it declares; convert it to UTF-8",
        line: result.count { $0 == 0x0a } + 1)
    }
    return result
  }
}
