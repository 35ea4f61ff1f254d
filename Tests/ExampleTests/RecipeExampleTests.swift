import Foundation
import TestSupport
import Testing

/// The examples that are recipes, at their smallest: fewer scenes, epochs and images, but the same
/// steps.
@Suite struct RecipeExampleTests {
  let folder: TemporaryFolder
  private static let examples = SharedAssets.package.appending(path: "Examples")

  init() throws { folder = try TemporaryFolder() }

  /// A recipe made small, in the temporary folder.
  private func small(_ name: String, upTo end: String? = nil) throws -> String {
    var text = try String(
      contentsOf: Self.examples.appending(path: "\(name)/recipe.yaml"), encoding: .utf8)
    if let end, let range = text.range(of: end) { text = String(text[..<range.lowerBound]) }
    for (pattern, small) in [
      (#/train: \d+/#, "train: 8"), (#/score: \d+/#, "score: 8"),
      (#/epochs: [1-9]\d*/#, "epochs: 1"),
      (#/calib-count: \d+/#, "calib-count: 2"),
    ] { text = text.replacing(pattern, with: small) }
    // Clocks of a busy machine are no goal of a test.
    text = text.replacing("  latency: 100%\n", with: "")
    let url = folder.url.appending(path: "\(name).yaml")
    try Data(text.utf8).write(to: url)
    return url.path
  }

  private func example(
    _ name: String, recipe: String, _ more: String...
  ) throws -> (status: Int32, output: String) {
    try QuickstartTests.run(
      Self.examples.appending(path: "\(name)/run").path, more,
      environment: [
        "OUT": folder.url.path, "BIN": QuickstartTests.binaries.path, "RECIPE": recipe,
        "SEEDS": "1", "JOBS": "2",
      ])
  }

  private func expect(_ names: String...) {
    for name in names {
      #expect(
        FileManager.default.fileExists(atPath: folder.url.appending(path: name).path),
        "\(name) is missing")
    }
  }

  @Test func thePaperIsMadeByOneCommand() throws {
    let recipe = try small("accuracy-vs-size-paper", upTo: "  slim:\n")
    let run = try example("accuracy-vs-size-paper", recipe: recipe)
    #expect(run.status == 0, "\(run.output)")
    expect(
      "report/sweep.tex", "report/sweep.md", "report/figures/sweep-size.pdf", "report/report.html",
      "paper.tex", "points.jsonl")
    if !run.output.contains("pdflatex is not installed") { expect("paper.pdf") }
  }

  @Test func theBoardGetsItsModel() throws {
    let run = try example("edge-deploy", recipe: try small("edge-deploy"))
    #expect(run.status == 0, "\(run.output)")
    expect("edge.onnx", "01-prune.plan.json", "report/report.md", "report/report.tex")
  }

  @Test func noLabelsAreNeeded() throws {
    let run = try example("label-free", recipe: try small("label-free"), "--no-timing")
    #expect(run.status == 0, "\(run.output)")
    expect("compressed.onnx", "report/report.html")
  }

  /// Every order is planned; two that have all steps between them end in models, and the sweep
  /// tells them apart.
  @Test func theOrderStudyRuns() throws {
    let compress = QuickstartTests.binaries.appending(path: "compress").path
    let whole = Self.examples.appending(path: "order-study/recipe.yaml").path
    let plan = try QuickstartTests.run(compress, ["sweep", whole, "--dry-run"])
    #expect(plan.status == 0 && plan.output.contains("\n7 points."), "\(plan.output)")
    let orders = ["quantize-prune-distill", "lowrank-prune-quantize"]
    let recipe = try small("order-study")
    try keep(orders, in: recipe)
    let run = try QuickstartTests.run(
      compress, ["sweep", recipe, "--output", folder.url.path, "--no-timing"])
    #expect(run.status == 0, "\(run.output)")
    let table = try String(
      contentsOf: folder.url.appending(path: "report/sweep.csv"), encoding: .utf8)
    for order in orders { #expect(table.contains("\n\(order),1,"), "\(order)") }
  }

  /// Leaves a recipe the named variants.
  private func keep(_ names: [String], in recipe: String) throws {
    let text = try String(contentsOfFile: recipe, encoding: .utf8)
    var isKept = true
    let lines = text.split(separator: "\n").filter { line in
      if line.hasPrefix("  "), !line.hasPrefix("    "), line.hasSuffix(":") {
        isKept = names.contains(String(line.dropFirst(2).dropLast()))
      }
      return isKept
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: recipe))
  }
}
