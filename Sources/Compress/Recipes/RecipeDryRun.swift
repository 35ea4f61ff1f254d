import Evidence
import Execution
import Foundation
import Operators
import Reports

/// What a recipe would do: its commands, and what each would do to the first model.
struct RecipeDryRun {
  private let run: RecipeRun

  /// The dry run of a recipe.
  init(_ run: RecipeRun) { self.run = run }

  private struct Result: PrintableResult {
    struct Step: Encodable {
      var command: [String]
      var isDone: Bool
      /// What the verb's own dry run says of the first model.
      var estimate: String
    }

    var schemaVersion = 1
    var recipe: String
    var model: String
    var parameters: Int
    var macs: Int
    var fileBytes: Int
    var steps: [Step] = []
    var goals: [String]

    var text: String {
      var lines = [
        "\(model): \(Format.count(parameters)) parameters, \(Format.count(macs)) MACs, "
          + Format.megabytes(fileBytes)
      ]
      for (index, step) in steps.enumerated() {
        lines.append("")
        lines.append("\(index + 1). \(ReportManifest.shell(step.command))")
        if step.isDone { lines.append("   done before, will be kept") }
        lines.append("   on the first model: \(step.estimate)")
      }
      if !goals.isEmpty { lines += ["", "goals: " + goals.joined(separator: ", ")] }
      return (lines + ["", "Nothing was written (--dry-run)."]).joined(separator: "\n")
    }
  }

  /// Prints the plan.
  func show() throws {
    let plan = try run.plan()
    let inputs = try run.material.reportOptions(run.common).head.inputs.values()
    let source = try ModelArtifact(run.recipe.model, inputs: inputs)
    let cost = try ModelCost(
      source.graph, registry: .standard, inputShapes: inputs.shapes, values: source.bound.names)
    var result = Result(
      recipe: run.recipe.file, model: source.path, parameters: cost.parameters, macs: cost.macs,
      fileBytes: source.fileBytes,
      goals: run.recipe.goals.map { "\($0.name) \($0.text)" })
    let state = RecipeState(folder: run.work)
    for command in plan.commands {
      result.steps.append(
        .init(
          command: ["compress"] + command.words, isDone: state.isDone(RecipeState.key(command)),
          estimate: try estimate(command, on: source)))
    }
    try run.common.show(result)
  }

  /// The first line that the verb's dry run prints; why there is none where it fails.
  private func estimate(_ command: RecipePlan.Command, on source: ModelArtifact) throws -> String {
    var words = command.dryWords
    let start = RecipeVerbs.start(command.verb, command.input).count
    if source.isEmbedded {
      // The embedded detector brings its own images, and its files need not be there yet.
      words =
        [command.verb]
        + Self.without(
          ["--data", "--train-data", "--calib", "--student", "--teacher"], words.dropFirst(start))
    } else if start > 1 {
      words[1] = source.path
    } else if let student = words.firstIndex(of: "--student"), words[student + 1] == command.input {
      words[student + 1] = source.path
    }
    let outcome = try ChildProcess.run(words + ["--format", "text", "--quiet"])
    let text = String(decoding: outcome.output, as: UTF8.self)
    return text.split(separator: "\n").first.map(String.init)
      ?? "the dry run ended with status \(outcome.status)"
  }

  private static func without(_ options: [String], _ words: ArraySlice<String>) -> [String] {
    var kept: [String] = []
    var isSkipping = false
    for word in words {
      if isSkipping {
        isSkipping = false
      } else if options.contains(word) {
        isSkipping = true
      } else {
        kept.append(word)
      }
    }
    return kept
  }
}
