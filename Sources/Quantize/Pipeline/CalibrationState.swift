import Formats
import Foundation

/// What calibration saw, in a file.
struct CalibrationState {
  private struct Content: Codable {
    var schemaVersion = 1
    var key: String
    var calibration: Calibration
  }

  private let path: String
  private let key: String
  /// What was noted; `nil` when there is no file yet.
  let calibration: Calibration?

  /// Reads the file, if there is one.
  ///
  /// - Throws: `FormatError`, also when it is no such file, or of another model or other images.
  init(path: String, key: String) throws {
    (self.path, self.key) = (path, key)
    let url = URL(filePath: path)
    guard try InputFile.kind(of: url) != nil else {
      calibration = nil
      return
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let data = try InputFile.data(url)
    guard let content = try? decoder.decode(Content.self, from: data), content.schemaVersion == 1
    else {
      throw FormatError(
        .badData, file: path, reason: "is no state of a calibration; remove it or name another")
    }
    guard content.key == key else {
      throw FormatError(
        .badData, file: path,
        reason: "was made with another model, other images or other ranges to equalise by; "
          + "remove it or name another")
    }
    InputFile.release(url)
    calibration = content.calibration
  }

  /// Writes the file.
  func save(_ calibration: Calibration) throws {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    encoder.outputFormatting = [.sortedKeys]
    try AtomicFile.write(
      encoder.encode(Content(key: key, calibration: calibration)), to: URL(filePath: path))
  }
}
