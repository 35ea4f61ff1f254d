import Formats
import Foundation
import Reports

/// The points of a sweep that are done, a line of JSON each, so that an interrupted sweep goes on.
struct SweepStore {
  /// One point that was run.
  struct Entry: Codable {
    var key: String
    var settings: [SweepReport.Setting]
    var seed: UInt64
    /// The file of the last model.
    var output: String
    /// The model that all were made from.
    var baseline: ModelEvidence
    var model: ModelEvidence
  }

  static let file = "points.jsonl"

  private let url: URL
  /// The points by key.
  private(set) var entries: [String: Entry] = [:]

  /// The store in a folder; lines that cannot be read, such as one that an interrupt cut off, are
  /// passed over.
  init(folder: String) {
    url = URL(filePath: folder).appending(path: Self.file)
    for line in lines {
      if let entry = try? JSONFile.decoder().decode(Entry.self, from: line) {
        entries[entry.key] = entry
      }
    }
  }

  /// Adds a point at the end of the file.
  mutating func append(_ entry: Entry) throws {
    entries[entry.key] = entry
    // A line that was cut off stays, and is ended, so that the new one is whole.
    let all = lines + [try JSONFile.encoder().encode(entry)]
    try AtomicFile.write(all.reduce(into: Data()) { $0 += $1 + Data("\n".utf8) }, to: url)
  }

  private var lines: [Data] {
    let data = try? InputFile.data(url)
    InputFile.release(url)
    return (data ?? Data()).split(separator: UInt8(ascii: "\n"))
  }
}
