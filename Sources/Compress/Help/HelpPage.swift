import ArgumentParser
import Foundation

/// The help of a command as text.
struct HelpPage {
  private let path: [any ParsableCommand.Type]
  private let help: VerbHelp
  private let options: [OptionInfo]
  private let columns: Int
  private var lines: [String] = []

  /// The page of the last of a chain of commands, which begins with the program.
  ///
  /// - Parameter columns: The most characters of a line.
  init(of path: [any ParsableCommand.Type], columns: Int = TextWidth.current) {
    self.path = path
    self.columns = columns
    help =
      (path.last as? any ExplainedCommand.Type)?.help ?? VerbHelp(what: "", usual: [], examples: [])
    options = path.last.map(OptionInfo.all) ?? []
  }

  private var configuration: CommandConfiguration { path.last?.configuration ?? .init() }
  /// The words that call the command.
  private var name: String {
    path.map { $0.configuration.commandName ?? "\($0)".lowercased() }.joined(separator: " ")
  }

  /// The line of usage, folded to the width.
  var usage: String {
    TextWidth.fold(usageWords, columns: columns, indent: "  ", hanging: "    ")
  }

  /// Arguments and required options; all others stand for themselves in `[options]`.
  private var usageWords: String {
    guard configuration.subcommands.isEmpty else { return "\(name) <verb> [options]" }
    let required = options.filter { !$0.isArgument && !$0.isOptional }.map(\.usage)
    let arguments = options.filter(\.isArgument).map(\.usage)
    return ([name] + required + ["[options]"] + arguments).joined(separator: " ")
  }

  /// Usage, what the command does, the options most runs need, three examples.
  var short: String {
    var page = self
    page.begin()
    page.addVerbs()
    let usual = help.usual.compactMap { name in options.first { $0.name == name } }
    page.add("MOST USED", of: usual) { $0.brief(to: help) }
    page.addExamples(help.examples.prefix(3))
    page.lines += ["", "All about it: \(name) --help"]
    return page.lines.joined(separator: "\n")
  }

  /// All of it.
  var full: String {
    var page = self
    page.begin()
    for section in help.sections {
      page.lines += ["", section.title.uppercased()]
      page.addText(section.text)
    }
    page.addVerbs()
    page.addExamples(help.examples[...])
    page.add("ARGUMENTS", of: options.filter(\.isArgument))
    let named = options.filter { !$0.isArgument }
    page.add("OPTIONS", of: named.filter { $0.sectionTitle == nil })
    for title in named.compactMap(\.sectionTitle).uniqued() {
      page.add(title.uppercased(), of: named.filter { $0.sectionTitle == title })
    }
    if path.count == 1 {
      page.lines += ["", "  compress <verb> -h is short, compress <verb> --help complete."]
    }
    return page.lines.joined(separator: "\n")
  }

  private mutating func begin() {
    lines.append(TextWidth.fold("\(name): \(configuration.abstract)", columns: columns))
    lines += ["", "USAGE", usage]
    if !help.what.isEmpty { lines += ["", TextWidth.fold(help.what, columns: columns)] }
  }

  /// Text whose indented lines stay as they are.
  private mutating func addText(_ text: String) {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      lines.append(
        line.hasPrefix(" ")
          ? "  \(line)" : TextWidth.fold(line, columns: columns, indent: "  ", hanging: "  "))
    }
  }

  private mutating func addVerbs() {
    guard !configuration.subcommands.isEmpty else { return }
    lines += ["", "VERBS"]
    for verb in configuration.subcommands {
      let name = verb.configuration.commandName ?? "\(verb)".lowercased()
      add(label: name, meaning: verb.configuration.abstract, column: 12)
    }
  }

  private mutating func addExamples(_ examples: ArraySlice<String>) {
    guard !examples.isEmpty else { return }
    lines += ["", examples.count == 1 ? "EXAMPLE" : "EXAMPLES"]
    for example in examples { lines.append(TextWidth.shell(example, columns: columns)) }
  }

  private mutating func add(
    _ title: String, of options: [OptionInfo], meaning: ((OptionInfo) -> String)? = nil
  ) {
    guard !options.isEmpty else { return }
    lines += ["", title]
    for option in options {
      add(label: option.label, meaning: meaning?(option) ?? option.meaning(to: help), column: 26)
    }
  }

  private mutating func add(label: String, meaning: String, column: Int) {
    let indent = String(repeating: " ", count: column)
    let text = TextWidth.fold(meaning, columns: columns, indent: indent, hanging: indent)
    let start = "  " + label
    guard start.count < column else {
      lines += [start, text]
      return
    }
    lines.append(start + text.dropFirst(start.count))
  }
}

extension Sequence where Element == String {
  /// Each element where it comes first.
  fileprivate func uniqued() -> [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
