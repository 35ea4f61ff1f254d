import ArgumentParser
import Foundation
import Reports

/// `compress sweep`: carries out a recipe with many settings and seeds.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Carry out a recipe with many settings and seeds, and compare.")

  @Argument(help: "The recipe.", completion: .file(extensions: ["yaml", "yml"]))
  var recipe: String

  @Option(
    help: ArgumentHelp(
      "Values of an option of a step. May be repeated.", valueName: "verb.option=value,…"))
  var set: [String] = []

  @Option(
    help: ArgumentHelp("How many seeds, from the recipe's on. (default: 1)", valueName: "count"))
  var seeds: Int?

  @Option(help: ArgumentHelp("Processes at once. (default: 1)", valueName: "count"))
  var jobs: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder of models, store and report. (default: the recipe's name and -sweep)",
      valueName: "folder"), completion: .directory)
  var output: String?

  @Flag(help: "Leave latency and peak memory out of the report.")
  var noTiming = false

  @Flag(help: "Print the points; run none.")
  var dryRun = false

  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    try NumberRange.repetitions.check(("--seeds", seeds), ("--jobs", jobs))
  }

  func run() throws {
    let recipe = try RecipeReader.read(self.recipe)
    let grid = try SweepGrid(recipe, sets: set, seeds: seeds ?? 1)
    try check(recipe, grid)
    if dryRun {
      return try common.show(Points(recipe: self.recipe, points: grid.points.map(\.words)))
    }
    let stem = URL(filePath: self.recipe).deletingPathExtension().lastPathComponent
    let folder = output ?? "\(stem)-sweep"
    var files = VerbFiles(
      models: [("the model", recipe.model)], others: [self.recipe] + recipe.files)
    try files.fill("--output", folder, files: [SweepStore.file])
    try files.check()
    let report = try SweepRun(
      recipe: recipe, grid: grid, folder: folder, jobs: jobs ?? 1, measures: !noTiming,
      common: common
    ).run()
    for failure in report.failures { Console.error("failed: \(failure)") }
    switch common.format {
    case .json: try Console.json(report)
    case .text:
      let files = try report.files()
      let table = files.first { $0.name == "sweep.md" }
      Console.result(String(decoding: table?.content ?? Data(), as: UTF8.self))
    }
    if !report.failures.isEmpty {
      throw CommandError(
        .badData, "\(report.failures.count) points failed; run again to retry them")
    }
  }

  /// Finds mistakes in any point before the first is run.
  private func check(_ recipe: Recipe, _ grid: SweepGrid) throws {
    for point in grid.points {
      guard let run = try Compress.parseAsRoot(["run", self.recipe] + point.words) as? RunCommand
      else { continue }
      _ = try run.prepared().plan()
    }
  }

  private struct Points: PrintableResult {
    var schemaVersion = 1
    var recipe: String
    var points: [[String]]

    var text: String {
      points.map { ReportManifest.shell(["compress", "run", recipe] + $0) }.joined(separator: "\n")
        + "\n\n\(points.count) points. Nothing was run (--dry-run)."
    }
  }
}
