import Foundation

/// JSON files that are written and read again: plans, states, measurements.
///
/// JSON has no numbers that are not finite. They are written as the strings `Infinity`, `-Infinity`
/// and `NaN`.
public enum JSONFile {
  /// An encoder with keys in order, so that equal values give equal bytes.
  public static func encoder(_ formatting: JSONEncoder.OutputFormatting = []) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }

  /// A decoder of files that ``encoder(_:)`` wrote.
  public static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - kind: What the file should be, for messages: "plan".
  ///   - advice: What the user should do where it is not.
  /// - Throws: ``FormatError`` when it cannot be read, or that says what is wrong in it.
  public static func read<Content: Decodable>(
    _: Content.Type, from path: String, kind: String, advice: String = ""
  ) throws -> Content {
    let data = try InputFile.data(URL(filePath: path), limit: InputFile.textLimit)
    do {
      return try decoder().decode(Content.self, from: data)
    } catch DecodingError.keyNotFound(let key, _) {
      throw FormatError(
        .badData, file: path,
        reason: "is no such \(kind): '\(key.stringValue)' is missing\(advice)")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw FormatError(
        .badData, file: path, reason: "'\(place)': \(context.debugDescription)\(advice)")
    } catch {
      throw FormatError(.badData, file: path, reason: "is no \(kind), or is damaged\(advice)")
    }
  }

  /// Reads a file that this program keeps and writes again; `nil` when there is none yet.
  ///
  /// - Throws: as ``read(_:from:kind:)``, so that another file is not overwritten.
  public static func readState<Content: Decodable>(
    _: Content.Type, from path: String, kind: String
  ) throws -> Content? {
    let url = URL(filePath: path)
    guard try InputFile.kind(of: url) != nil else { return nil }
    let content = try read(
      Content.self, from: path, kind: kind, advice: "; remove it or name another")
    InputFile.release(url)
    return content
  }
}
