import Formats
import Foundation

/// Result files, written whole or not at all.
enum AtomicOutput {
  /// Writes `data` to a path.
  static func write(_ data: Data, to path: String) throws {
    try AtomicFile.write(data, to: URL(filePath: path))
  }
}
