import ArgumentParser
import Formats
import Foundation

/// An option or argument of a command, as the parser describes it.
struct OptionInfo: Decodable {
  private struct Name: Decodable {
    var kind: String
    var name: String
    /// The name with its dashes.
    var text: String { (kind == "long" ? "--" : "-") + name }
  }

  private var kind: String
  private var shouldDisplay: Bool
  private var names: [Name]?
  private var preferredName: Name?
  private var defaultValue: String?
  private var allValues: [String]?
  private var abstract: String?
  private var discussion: String?
  /// The heading of its group; `nil` for the command's own.
  private(set) var sectionTitle: String?
  private(set) var isOptional: Bool
  private(set) var isRepeating: Bool
  private(set) var valueName: String?

  /// Whether it is an argument, which has no name.
  var isArgument: Bool { kind == "positional" }
  /// The long name without dashes; the name of an argument's value.
  var name: String { preferredName?.name ?? valueName ?? "" }

  /// The names and the value, as `-o, --output <file>`.
  var label: String {
    let value = valueName.map { "<\($0)>" } ?? ""
    guard !isArgument else { return isRepeating ? "\(value) …" : value }
    let names = (names ?? []).sorted { $0.text.count < $1.text.count }.map(\.text)
    return names.joined(separator: ", ") + (kind == "option" ? " \(value)" : "")
  }

  /// How it stands in a line of usage.
  var usage: String {
    let text = isArgument ? label : "--\(name)" + (valueName.map { " <\($0)>" } ?? "")
    return isOptional ? "[\(text)]" : text
  }

  /// What it means to a verb: the sentences, then values and default as far as they are not said.
  func meaning(to help: VerbHelp) -> String {
    var text =
      help.meanings[name] ?? [abstract, discussion].compactMap { $0 }.joined(separator: " ")
    if let own = help.defaults[name] {
      text = text.replacing(#/\s*\(default[^)]*\)/#, with: "") + " (default: \(own))"
    }
    let values = allValues ?? []
    if !values.allSatisfy({ text.lowercased().contains($0.lowercased()) }) {
      text += " One of: \(values.joined(separator: ", "))."
    }
    if let defaultValue, kind == "option" || isArgument, !text.contains("(default") {
      let number = defaultValue.hasSuffix(".0") ? String(defaultValue.dropLast(2)) : defaultValue
      text += " (default: \(number))"
    }
    return text
  }

  /// The first sentence of that, without a long list of values, and the default.
  func brief(to help: VerbHelp) -> String {
    let whole = meaning(to: help)
    let start = whole.firstRange(of: #/\s*\(default[^)]*\)/#)
    let said = start.map { String(whole[$0]) } ?? ""
    var text = start.map { String(whole[..<$0.lowerBound]) } ?? whole
    if let end = text.firstRange(of: ". ") { text = text[..<end.lowerBound] + "." }
    if text.count > 150, let list = text.firstRange(of: ": ") {
      text = text[..<list.lowerBound] + "."
    }
    return text + said
  }

  /// The options and arguments of a command that help shows, in order.
  static func all(of command: any ParsableCommand.Type) -> [OptionInfo] {
    struct Tool: Decodable {
      struct Command: Decodable { var arguments: [OptionInfo]? }
      var command: Command
    }
    let text = Data(command._dumpHelp().utf8)
    let tool = try? JSONDecoder().decode(Tool.self, from: text)
    return (tool?.command.arguments ?? []).filter { $0.shouldDisplay && $0.name != "help" }
  }
}
