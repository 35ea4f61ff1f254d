import ArgumentParser

/// What a command line asks of help.
struct HelpRequest {
  /// The program and its verbs that are named.
  let path: [any ParsableCommand.Type]
  /// Whether the full help is asked for; the short one otherwise.
  let isFull: Bool

  /// The request; `nil` where no help is asked for.
  ///
  /// - Parameter path: The verbs that the words name. Verbs that are divided into others are
  ///   explained where nothing else is said.
  init?(_ words: [String], path: [any ParsableCommand.Type]) {
    let words = words.prefix { $0 != "--" }
    let asks = words.first == "help" || words.contains("--help")
    let isBare =
      words.count < path.count && path.last?.configuration.subcommands.isEmpty == false
    guard asks || isBare || words.contains("-h") else { return nil }
    (self.path, isFull) = (path, asks)
  }

  /// The text.
  var text: String {
    let page = HelpPage(of: path)
    return isFull ? page.full : page.short
  }
}

/// The verbs that a command line names.
struct CommandPath {
  /// The program, then the verb, then what it is divided into.
  private(set) var commands: [any ParsableCommand.Type]
  /// The word where a verb was to stand; `nil` where none is missing.
  private(set) var stranger: String?

  /// The verbs that words begin with.
  init(_ words: some Sequence<String>, root: any ParsableCommand.Type) {
    commands = [root]
    for word in words {
      let verbs = commands[commands.count - 1].configuration.subcommands
      guard !verbs.isEmpty, !word.hasPrefix("-") else { return }
      guard let verb = verbs.first(where: { Self.name(of: $0) == word }) else {
        stranger = word
        return
      }
      commands.append(verb)
    }
  }

  /// The word that calls a command.
  static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }
}
