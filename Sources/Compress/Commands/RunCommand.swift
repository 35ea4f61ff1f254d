import ArgumentParser
import Execution
import Foundation
import Operators
import Reports

/// `compress run`: carries out a recipe.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Carry out a recipe: several steps, one report.")

  @Argument(help: "The recipe.", completion: .file(extensions: ["yaml", "yml"]))
  var recipe: String

  @Option(
    help: ArgumentHelp(
      "Set an option of a step. May be repeated.", valueName: "verb.option=value"))
  var set: [String] = []

  @Option(help: "Which of the recipe's variants.")
  var variant: String?

  @Option(help: "The seed, in place of the recipe's.")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "The folder that keeps models, plans and state. (default: the recipe's name and -work)",
      valueName: "folder"), completion: .directory)
  var work: String?

  @Option(
    help: ArgumentHelp(
      "The folder of the report. (default: report in the work folder)", valueName: "folder"),
    completion: .directory)
  var report: String?

  @Flag(help: "Leave latency and peak memory out of the report.")
  var noTiming = false

  @Flag(help: "Print the steps and what they would do to the first model; write no model.")
  var dryRun = false

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    let run = try prepared()
    if dryRun { return try RecipeDryRun(run).show() }
    var files = VerbFiles(
      models: [("the model", run.recipe.model)], others: [recipe] + run.recipe.files)
    try files.fill("--work", run.work)
    try files.fill("--report", run.report)
    for command in try run.plan().commands { files.write("--work", command.output) }
    try files.check()
    let result = try run.run()
    try common.show(result)
    let missed = result.goals.filter { !$0.isMet }
    for goal in missed { Console.error("goal \(goal.goal) is missed: \(goal.found)") }
    if !missed.isEmpty { throw QualityFloorMissed() }
  }

  /// The run that the options ask for.
  func prepared() throws -> RecipeRun {
    var recipe = try RecipeReader.read(self.recipe)
    for text in set { try recipe.set(text) }
    if let seed { recipe.seed = seed }
    var common = common
    common.threads = common.threads ?? recipe.shared("threads").flatMap { Int($0) }
    recipe.shared.removeAll { $0.name == "threads" }
    if let threads = common.threads {
      recipe.shared.append(.init(name: "threads", values: ["\(threads)"]))
    }
    let chosen = try recipe.variant(variant)
    let stem = URL(filePath: self.recipe).deletingPathExtension().lastPathComponent
    var work = self.work ?? recipe.work ?? "\(stem)-work"
    if !chosen.name.isEmpty, self.work == nil { work += "/\(chosen.name)" }
    return RecipeRun(
      recipe: recipe, variant: chosen, work: work,
      report: report ?? recipe.report ?? "\(work)/report", measures: !noTiming, common: common)
  }
}
