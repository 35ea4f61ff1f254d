import ArgumentParser

/// The verbs that a recipe's steps may be of: those that take a model and write one.
enum RecipeVerb {
  /// Every such verb; another is one more entry.
  static let all: [any ParsableCommand.Type] = [
    PruneCommand.self, LowRankCommand.self, QuantizeCommand.self, DistillCommand.self,
  ]

  /// Their names.
  static let names = all.compactMap { $0.configuration.commandName }

  /// The verbs that take their model as an option: the step's as `--student`, the recipe's as `--teacher`.
  private static let teaching: Set<String> = ["distill"]

  /// The verb and the model it takes as an argument.
  static func start(_ verb: String, _ input: String) -> [String] {
    teaching.contains(verb) ? [verb] : [verb, input]
  }

  /// Options that the recipe's run decides.
  static let reserved: Set<String> = ["output", "format", "dry-run", "quiet", "verbose"]

  /// Why the verb refuses the words; `nil` when it takes them.
  static func refusal(_ words: [String]) -> String? {
    do {
      _ = try Compress.parseAsRoot(words)
      return nil
    } catch {
      return Compress.message(for: error)
    }
  }

  /// Whether the verb has no such option at all.
  static func lacks(_ option: String, in refusal: String) -> Bool {
    refusal.contains("Unknown option '--\(option)'")
  }
}
