import ArgumentParser

/// What the help of a verb says besides its options.
struct VerbHelp {
  /// What the verb does, in one paragraph.
  var what: String
  /// What the full help adds, each part under a title.
  var sections: [(title: String, text: String)] = []
  /// The options that most runs need, by their long names; the short help has them alone.
  var usual: [String]
  /// Command lines; the short help has the first three.
  var examples: [String]
  /// What options mean to this verb, where several verbs share them.
  var meanings: [String: String] = [:]
  /// Defaults that options have for this verb.
  var defaults: [String: String] = [:]
}

/// A command with help.
protocol ExplainedCommand: ParsableCommand {
  static var help: VerbHelp { get }
}
