import Formats
import Foundation

/// A text file, perhaps from another system.
///
/// All readers of labels, lists, names and settings use it.
///
/// A byte order mark decides the encoding; without one it is UTF-8. Lines end in LF, CR LF or CR.
public struct TextFile: Sendable {
  /// Where it was read from.
  public let url: URL
  /// The text.
  public let text: String

  /// A line that is not blank.
  public struct Line: Sendable {
    /// Its number, counted from 1.
    public var number: Int
    /// The text of the line, without white space at its ends.
    public var text: Substring
  }

  /// Reads a file.
  ///
  /// - Throws: ``DatasetError``: missing, unreadable, or not text.
  public init(_ url: URL) throws(DatasetError) {
    self.url = url
    let bytes = try Self.utf8(try Self.bytes(of: url), file: url.path)
    text = String(decoding: bytes, as: UTF8.self)
  }

  /// The lines that are not blank.
  public var lines: [Line] {
    let bytes = text.utf8
    var lines: [Line] = []
    var (number, start, at) = (1, bytes.startIndex, bytes.startIndex)
    func close(_ end: String.Index) {
      let line = text[start..<end].trimmed
      if !line.isEmpty { lines.append(Line(number: number, text: line)) }
    }
    while at < bytes.endIndex {
      let byte = bytes[at]
      var next = bytes.index(after: at)
      if byte == 0x0a || byte == 0x0d {
        close(at)
        number += 1
        if byte == 0x0d, next < bytes.endIndex, bytes[next] == 0x0a {
          next = bytes.index(after: next)
        }
        start = next
      }
      at = next
    }
    close(bytes.endIndex)
    return lines
  }

  /// The bytes of a file.
  ///
  /// - Throws: ``DatasetError``: missing, not a file, or refused by the system.
  static func bytes(of url: URL) throws(DatasetError) -> Data {
    do {
      return try InputFile.data(url, isMapped: true)
    } catch let error as FormatError where error.kind == .noInput {
      throw .missing(url.path)
    } catch let error as FormatError where error.kind == .badData {
      throw .malformed(file: url.path, place: "", reason: error.reason)
    } catch let error as FormatError {
      throw .unreadable(file: url.path, reason: error.reason)
    } catch {
      throw .unreadable(file: url.path, reason: "the system refuses to")
    }
  }

  /// The bytes of a text as UTF-8, without a byte order mark.
  ///
  /// - Throws: ``DatasetError/malformed(file:place:reason:)`` when they are not text.
  static func utf8(_ data: Data, declared: String? = nil, file: String) throws(DatasetError) -> Data
  {
    do {
      return try TextEncoding.utf8(data, declared: declared)
    } catch {
      throw .malformed(file: file, place: "line \(error.line)", reason: error.reason)
    }
  }
}

extension StringProtocol where SubSequence == Substring {
  /// The text without white space, NUL and DOS's end-of-file mark at its ends.
  var trimmed: Substring {
    func isBlank(_ c: Character) -> Bool { c.isWhitespace || c == "\0" || c == "\u{1a}" }
    guard let first = firstIndex(where: { !isBlank($0) }),
      let last = lastIndex(where: { !isBlank($0) })
    else { return "" }
    return self[first...last]
  }
}
