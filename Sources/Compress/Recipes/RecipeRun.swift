import ArgumentParser
import Evidence
import Formats
import Foundation
import ObjectDetection
import Reports

/// Carries a recipe out: each step in a process of its own, then the report on all models.
struct RecipeRun {
  var recipe: Recipe
  var variant: Recipe.Variant
  /// The folder that keeps models, plans and the state.
  var work: String
  var report: String
  /// Whether latency and peak memory are measured.
  var measures: Bool
  var common: CommonOptions

  /// The model and images the recipe starts from.
  var material: RecipeMaterial { RecipeMaterial(recipe, work: work) }

  /// The commands of the steps.
  ///
  /// - Throws: ``CommandError`` that names the line of a mistake.
  func plan() throws -> RecipePlan {
    try RecipePlan(
      recipe, variant, model: material.model, shared: material.shared, work: work)
  }

  /// Does the steps that are not done yet, compares all models and holds the last against the
  /// goals.
  ///
  /// - Throws: `FormatError` when another process works in the folder, ``CommandError``.
  func run() throws -> RecipeResult {
    let plan = try plan()
    return try FolderLock.during(URL(filePath: work)) { try run(plan) }
  }

  private func run(_ plan: RecipePlan) throws -> RecipeResult {
    try RecipeMaterial.write(recipe, work: work, common: common)
    var state = RecipeState(folder: work)
    var result = RecipeResult(recipe: recipe.file, variant: variant.name, work: work)
    for (index, command) in plan.commands.enumerated() {
      let key = RecipeState.key(command)
      let title = "step \(index + 1) of \(plan.commands.count), \(command.verb)"
      let isDone = state.isDone(key)
      if isDone {
        common.logger.notice("\(title): done before, kept")
      } else {
        common.logger.notice("\(title): \(ReportManifest.shell(["compress"] + command.words))")
        try carryOut(command)
        state.note(key, command)
        try state.save(to: work)
      }
      result.steps.append(
        .init(command: ["compress"] + command.words, output: command.output, isKept: isDone))
    }
    if result.steps.allSatisfy(\.isKept) {
      common.logger.notice(
        "the run was finished before: all its steps are kept, only the report is made anew")
    }
    try compare(plan, &result)
    return result
  }

  /// Runs a step; what it prints as JSON lies beside its model.
  private func carryOut(_ command: RecipePlan.Command) throws {
    let url = URL(filePath: command.output).deletingPathExtension().appendingPathExtension("json")
    let quiet = common.quiet ? ["--quiet"] : []
    let status = try ChildProcess.run(
      command.words + ["--format", "json"] + quiet, output: url)
    switch status {
    case ExitStatus.done.rawValue: return
    case ExitStatus.qualityFloorMissed.rawValue:
      common.logger.warning("\(command.verb) missed its floor; the recipe goes on with its model")
    default:
      throw CommandError(
        ExitStatus(rawValue: status) ?? .internalError,
        "\(recipe.file): step \(command.verb) failed with status \(status); what is done is kept in \(work), so run the recipe again after the cause is removed"
      )
    }
  }

  // MARK: The report

  private func compare(_ plan: RecipePlan, _ result: inout RecipeResult) throws {
    let options = try material.reportOptions(common)
    let timed = measures || recipe.goals.contains(where: \.needsTiming)
    var comparison = try options.comparison(
      on: options.data.data == nil
        ? nil : try options.data.scored(options.data.labelled(common), common),
      measures: timed, seed: recipe.seed)
    comparison.steps = plan.commands.map { ["compress"] + $0.words }
    let inputs = try options.head.inputs.values()
    var name = ""
    var entries = [
      ModelComparison.Entry(
        name: URL(filePath: material.model).lastPathComponent,
        model: try ModelArtifact(material.model, inputs: inputs, isOneOfMany: true))
    ]
    for command in plan.commands {
      name += (name.isEmpty ? "" : " → ") + command.verb
      entries.append(
        .init(
          name: name,
          model: try ModelArtifact(command.output, inputs: inputs, isOneOfMany: true)))
    }
    let report = try comparison.report(title, entries)
    try ReportFolder(path: self.report).write(report, progress: ConsoleProgress(common))
    result.report = self.report
    result.models = report.models
    if let first = report.models.first, let last = report.models.last {
      result.goals = recipe.goals.map { $0.outcome(first: first, last: last) }
    }
  }

  private var title: String {
    let name = recipe.title ?? URL(filePath: recipe.file).lastPathComponent
    return variant.name.isEmpty ? name : "\(name): \(variant.name)"
  }
}
