import ArgumentParser
import Prune

/// A verb that a step of a recipe may be of: it takes a model and writes one.
protocol RecipeVerb: CompressionCommand {
  /// The options that a recipe's run offers to the verb's steps.
  static var offers: [RecipeOffer] { get }
}

/// An option that a recipe's run gives to a step which does not set it itself.
struct RecipeOffer {
  /// Its name, without dashes.
  let name: String
  /// Whether a step with such options of its own takes it.
  let suits: @Sendable (RecipeStep) -> Bool

  /// An option that a step takes unless it has one of others.
  init(_ name: String, without others: String...) {
    self.init(name) { step in others.allSatisfy { step[$0] == nil } }
  }

  /// An option that a step takes under a condition.
  init(_ name: String, where suits: @escaping @Sendable (RecipeStep) -> Bool) {
    (self.name, self.suits) = (name, suits)
  }

  /// What all verbs take: images, the head, inputs, threads and reports.
  static let common = (RecipeReader.sharedKeys.filter { $0 != "calib" } + ["report", "no-timing"])
    .map { RecipeOffer($0) }
}

extension RecipeStep {
  /// The values of an option; `nil` when the step does not set it.
  subscript(_ name: String) -> [String]? { options.first { $0.name == name }?.values }
}

extension PruneCommand: RecipeVerb {
  static var offers: [RecipeOffer] {
    RecipeOffer.common + [
      RecipeOffer("seed", without: "plan"), RecipeOffer("plan-out"),
      RecipeOffer("calib") { step in
        let method = step["method"]?.first
        let isOfChannels =
          step["channels"] != nil
          || method.map { WeightCriterion.named($0) == nil } ?? false
        let refits = method.flatMap(WeightCriterion.named)?.needsImages ?? false
        return isOfChannels || refits || step["plan"] != nil
      },
    ]
  }
}

extension LowRankCommand: RecipeVerb {
  static var offers: [RecipeOffer] {
    RecipeOffer.common + [RecipeOffer("seed"), RecipeOffer("plan-out"), RecipeOffer("calib")]
  }
}

extension QuantizeCommand: RecipeVerb {
  static var offers: [RecipeOffer] {
    RecipeOffer.common + [
      RecipeOffer("seed"), RecipeOffer("plan-out"),
      RecipeOffer("calib", without: "data-free", "plan"),
    ]
  }
}

extension DistillCommand: RecipeVerb {
  static var offers: [RecipeOffer] {
    RecipeOffer.common + [
      RecipeOffer("seed"), RecipeOffer("student", without: "arch", "width", "depth"),
      RecipeOffer("teacher"),
    ]
  }
}

/// The verbs that a recipe's steps may be of.
enum RecipeVerbs {
  /// Every such verb; another is one more entry.
  static let all: [any RecipeVerb.Type] = [
    PruneCommand.self, LowRankCommand.self, QuantizeCommand.self, DistillCommand.self,
  ]

  /// Their names.
  static let names = all.compactMap { $0.configuration.commandName }

  /// The verb of a name.
  static func named(_ name: String) -> (any RecipeVerb.Type)? {
    all.first { $0.configuration.commandName == name }
  }

  /// The verbs that take their model as an option: the step's as `--student`, the recipe's as
  /// `--teacher`.
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
}
