import ArgumentParser
import Foundation

/// The commands that a variant of a recipe comes down to.
struct RecipePlan {
  /// One command.
  struct Command {
    var verb: String
    /// The words after the verb, but for the model and the output.
    var options: [String]
    var input: String
    var output: String

    /// The whole command.
    var words: [String] { RecipeVerb.start(verb, input) + options + ["--output", output] }
    /// The same as a dry run: what concerns written files left out.
    var dryWords: [String] {
      var words = RecipeVerb.start(verb, input)
      var isSkipping = false
      for option in options {
        if isSkipping {
          isSkipping = false
        } else if ["--report", "--plan-out"].contains(option) {
          isSkipping = true
        } else if option != "--no-timing" {
          words.append(option)
        }
      }
      return words + ["--dry-run"]
    }
  }

  let commands: [Command]

  /// Plans a variant whose first model and images are known.
  ///
  /// Each step gets the recipe's shared options that its verb takes and it does not set itself; the verb's own parser
  /// decides what that is.
  ///
  /// - Throws: ``CommandError`` that names the line of what a verb does not take.
  init(
    _ recipe: Recipe, _ variant: Recipe.Variant, model: String, shared: [RecipeStep.Option],
    work: String
  ) throws {
    var commands: [Command] = []
    var input = model
    for (index, step) in variant.steps.enumerated() {
      let stem = "\(work)/" + String(format: "%02d-", index + 1) + step.verb
      let ending = URL(filePath: model).pathExtension
      let offers =
        shared
        + [
          .init(name: "seed", values: ["\(recipe.seed)"]),
          .init(name: "plan-out", values: ["\(stem).plan.json"]),
          .init(name: "report", values: [stem]), .init(name: "no-timing", values: []),
          .init(name: "student", values: [input]), .init(name: "teacher", values: [model]),
        ]
      let command = Command(
        verb: step.verb,
        options: try Self.options(step, offers, input, stem, recipe.file), input: input,
        output: "\(stem).\(ending)")
      commands.append(command)
      input = command.output
    }
    self.commands = commands
  }

  /// A step's own options and the offers its verb takes.
  private static func options(
    _ step: RecipeStep, _ offers: [RecipeStep.Option], _ input: String, _ stem: String,
    _ file: String
  ) throws -> [String] {
    let own = step.options.flatMap(\.words)
    func refusal(_ offers: [RecipeStep.Option]) -> String? {
      RecipeVerb.refusal(
        RecipeVerb.start(step.verb, input) + own + offers.flatMap(\.words) + [
          "--output", "\(stem).onnx",
        ])
    }
    let names = Set(step.options.map(\.name))
    var accepted = offers.filter { !names.contains($0.name) }
    accepted.removeAll { offer in
      refusal([offer]).map { RecipeVerb.lacks(offer.name, in: $0) } ?? false
    }
    // Of several mistakes the parser names one: an option it does not know may come to light only without the others.
    func known(_ offers: [RecipeStep.Option]) -> [RecipeStep.Option] {
      var offers = offers
      while let text = refusal(offers),
        let unknown = offers.firstIndex(where: { RecipeVerb.lacks($0.name, in: text) })
      {
        offers.remove(at: unknown)
      }
      return offers
    }
    accepted = known(accepted)
    guard let reason = refusal(accepted) else { return own + accepted.flatMap(\.words) }
    // What the verb takes, but not together with what the step says, is left out.
    for count in 1...max(1, accepted.count) {
      let fewer = accepted.indices.combinations(of: count).lazy.map { left in
        known(accepted.enumerated().filter { !left.contains($0.offset) }.map(\.element))
      }.first { refusal($0) == nil }
      if let fewer { return own + fewer.flatMap(\.words) }
      if count == Self.mostLeftOut { break }
    }
    throw mistake(step, reason, file)
  }

  private static let mostLeftOut = 2

  /// The refusal, at the line of the option it speaks of or the setting it comes from.
  private static func mistake(_ step: RecipeStep, _ reason: String, _ file: String) -> CommandError
  {
    let first = reason.split(separator: "\n").first.map(String.init) ?? reason
    let text = first.replacing("Error: ", with: "")
    // The first option that the text names and the step has; what it proposes instead comes later.
    let words = text.split { !($0.isLetter || $0.isNumber || $0 == "-") }
    let option = words.lazy.compactMap { word in
      step.options.first { "--\($0.name)" == word }
    }.first
    let hint = "(compress \(step.verb) --help lists the options)"
    if let option, option.line == nil {
      let setting = "\(step.verb).\(option.name)=\(option.values.first ?? "true")"
      return CommandError(.usage, "--set \(setting): \(text) \(hint)")
    }
    return CommandError(
      .badData, "\(file): line \(option?.line ?? step.line): \(step.verb): \(text) \(hint)")
  }
}

extension Range<Int> {
  /// The ways to choose so many of the numbers; of one or two.
  fileprivate func combinations(of count: Int) -> [[Int]] {
    count == 1
      ? map { [$0] }
      : flatMap { first in (first + 1..<Swift.max(upperBound, first + 1)).map { [first, $0] } }
  }
}
