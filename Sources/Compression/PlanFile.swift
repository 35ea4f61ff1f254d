import Formats
import Foundation

/// Plans as JSON files of layout 1.
public enum PlanFile {
  /// The bytes of a plan.
  public static func encode(_ plan: some Encodable) throws -> Data {
    try JSONFile.encoder(.prettyPrinted).encode(plan) + Data("\n".utf8)
  }

  /// Reads a plan.
  ///
  /// - Throws: `FormatError` that says what is wrong with the file.
  public static func decode<Content: Decodable>(
    _: Content.Type, from path: String
  ) throws -> Content {
    let kind = try kind(of: path)
    guard kind.schemaVersion == 1 else {
      throw FormatError(
        .badData, file: path,
        reason: "has layout \(kind.schemaVersion), this version reads layout 1")
    }
    return try JSONFile.read(Content.self, from: path, kind: "plan")
  }

  /// The unit of a plan, such as "channel"; `nil` where the plan has none.
  ///
  /// - Throws: `FormatError` for a file that is not a plan.
  public static func unit(of path: String) throws -> String? { try kind(of: path).unit }

  private static func kind(of path: String) throws -> Kind {
    try JSONFile.read(Kind.self, from: path, kind: "plan")
  }

  private struct Kind: Decodable {
    var schemaVersion: Int
    var unit: String?
  }
}
