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
    var words: [String] { RecipeVerbs.start(verb, input) + options + ["--output", output] }
    /// The same as a dry run: what concerns written files left out.
    var dryWords: [String] {
      var words = RecipeVerbs.start(verb, input)
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
  /// Each step gets the recipe's shared options that its verb declares and it does not set itself.
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

  /// A step's own options and the offers its verb takes beside them.
  private static func options(
    _ step: RecipeStep, _ offers: [RecipeStep.Option], _ input: String, _ stem: String,
    _ file: String
  ) throws -> [String] {
    let taken = RecipeVerbs.named(step.verb)?.offers ?? []
    let accepted = offers.filter { offer in
      step[offer.name] == nil && taken.contains { $0.name == offer.name && $0.suits(step) }
    }
    let words = (step.options + accepted).flatMap(\.words)
    let all = RecipeVerbs.start(step.verb, input) + words + ["--output", "\(stem).onnx"]
    if let reason = RecipeVerbs.refusal(all) { throw mistake(step, reason, file) }
    return words
  }

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
