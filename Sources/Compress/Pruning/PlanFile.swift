import Foundation
import Prune

/// Plans as JSON files.
enum PlanFile {
  /// A plan of either kind.
  enum Plan {
    case weights(PruningPlan)
    case channels(ChannelPlan)
  }

  /// The bytes of a plan.
  static func encode(_ plan: some Encodable) throws -> Data {
    try JSONFile.encoder(.prettyPrinted).encode(plan) + Data("\n".utf8)
  }

  /// Reads a pruning plan.
  static func load(_ path: String) throws -> Plan {
    let kind = try decode(Kind.self, from: path)
    return kind.unit == "channel"
      ? .channels(try decode(ChannelPlan.self, from: path))
      : .weights(try decode(PruningPlan.self, from: path))
  }

  /// Reads a plan of layout 1.
  ///
  /// - Throws: `FormatError`, ``CommandError`` that says what is wrong with the file.
  static func decode<Content: Decodable>(_: Content.Type, from path: String) throws -> Content {
    let kind = try JSONFile.read(Kind.self, from: path, kind: "plan")
    guard kind.schemaVersion == 1 else {
      throw CommandError(
        .badData, "\(path): has layout \(kind.schemaVersion), this version reads layout 1")
    }
    return try JSONFile.read(Content.self, from: path, kind: "plan")
  }

  /// Reads a file of `inspect --sensitivity`.
  static func loadSensitivity(_ path: String) throws -> ChannelSensitivity {
    try JSONFile.read(ChannelSensitivity.self, from: path, kind: "file of inspect --sensitivity")
  }

  private struct Kind: Decodable {
    var schemaVersion: Int
    var unit: String?
  }
}
