import Yams

/// YAML as a tree of nodes, in which aliases stay shared.
///
/// Shared nodes take no memory of their own. But comparing keys walks through everything that they
/// stand for, which nested aliases can make arbitrarily large. So a text with aliases must have
/// plain keys.
public enum YAMLText {
  /// The tree of a text; `nil` for an empty one.
  ///
  /// - Throws: `YamlError`.
  public static func compose(_ text: String) throws -> Node? {
    guard text.contains("&") else { return try Yams.compose(yaml: text) }
    let names = Set(text.matches(of: /(?:^|[\s\[{,?:\-])&([^\s,\[\]{}]+)/).map(\.1))
    guard !names.isEmpty else { return try Yams.compose(yaml: text) }
    let aliases = text.matches(of: /(?:^|[\s\[{,?:\-])\*([^\s,\[\]{}:]+)/)
    guard aliases.contains(where: { names.contains($0.1) }) else {
      return try Yams.compose(yaml: text)
    }
    guard aliases.count <= aliasLimit else { throw refusal("more than \(aliasLimit) aliases") }
    if text.contains(/[\]}]\s*:|(?:^|[\s\[{,\-])\?\s|\*[^\s,\[\]{}]+\s*:/) {
      throw refusal("aliases beside keys that are lists, maps or aliases")
    }
    return try Yams.compose(yaml: text)
  }

  private static let aliasLimit = 1000

  private static func refusal(_ what: String) -> YamlError {
    .representer(problem: "it has \(what), which are not read")
  }
}
