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

  private let url: URL
  /// The points by key.
  private(set) var entries: [String: Entry] = [:]

  /// The store in a folder; lines that cannot be read, such as one that an interrupt cut off, are passed over.
  init(folder: String) {
    url = URL(filePath: folder).appending(path: "points.jsonl")
    let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") {
      if let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) {
        entries[entry.key] = entry
      }
    }
  }

  /// Adds a point at the end of the file.
  mutating func append(_ entry: Entry) throws {
    entries[entry.key] = entry
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = try encoder.encode(entry) + Data("\n".utf8)
    if !FileManager.default.fileExists(atPath: url.path) {
      try AtomicOutput.write(Data(), to: url.path)
    }
    let handle = try FileHandle(forWritingTo: url)
    defer { try? handle.close() }
    // A line that was cut off is ended first, so that the new one is whole.
    let end = try handle.seekToEnd()
    try handle.write(contentsOf: (end == 0 || endsWithNewline ? Data() : Data("\n".utf8)) + line)
  }

  private var endsWithNewline: Bool {
    (try? Data(contentsOf: url, options: .mappedIfSafe))?.last == UInt8(ascii: "\n")
  }
}
