import Foundation

/// A name or glob (`*`, `?`, `[a-z]`) over node and constant names.
///
/// `*` matches any run of characters, slashes included.
public struct NamePattern: Sendable, Hashable, Codable {
  /// The pattern as written.
  public var text: String

  /// A pattern.
  public init(_ text: String) { self.text = text }

  /// Whether the pattern matches the whole of `name`.
  public func matches(_ name: String) -> Bool { fnmatch(text, name, 0) == 0 }

  /// Reads the bare text.
  public init(from decoder: any Decoder) throws {
    text = try decoder.singleValueContainer().decode(String.self)
  }

  /// Writes the bare text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
