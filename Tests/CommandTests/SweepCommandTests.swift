import Foundation
import TestSupport
import Testing

/// `compress sweep` on a tiny detector.
@Suite struct SweepCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
    let recipe = """
      title: Grid
      model: tiny.onnx
      data: data.yaml
      steps:
        - prune: {method: random}
      """
    try Data(recipe.utf8).write(to: folder.url.appending(path: "grid.yaml"))
  }

  private func sweep(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(["sweep", "grid.yaml"] + arguments, in: folder.url)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: folder.url.appending(path: path), encoding: .utf8)
  }

  @Test func everyCombinationIsRunReportedAndKept() throws {
    let run = try sweep(
      "--set", "prune.sparsity=0.25,0.5", "--seeds", "2", "--jobs", "2", "--no-timing")
    #expect(run.status == 0, "\(run.errors)")
    let lines = try text("grid-sweep/points.jsonl").split(separator: "\n")
    #expect(lines.count == 4)
    let table = try text("grid-sweep/report/sweep.csv").components(separatedBy: "\r\n")
    #expect(table[0].hasPrefix("prune.sparsity,seeds,AP_mean,AP_spread"))
    #expect(table[2].hasPrefix("0.25,2,") && table[3].hasPrefix("0.5,2,"))
    for file in ["sweep.md", "sweep.tex", "figures/sweep-size.svg", "report.html"] {
      #expect(try !text("grid-sweep/report/\(file)").isEmpty, "\(file)")
    }
    #expect(try text("grid-sweep/report/report.md").contains("0.25, seed 1"))
    // Nothing is left to do; the report comes out the same, but for the command it names.
    let before = try text("grid-sweep/report/sweep.csv")
    let again = try sweep(
      "--set", "prune.sparsity=0.25,0.5", "--seeds", "2", "--no-timing")
    #expect(again.errors.contains("the sweep was finished before: all 4 points are kept"))
    #expect(try text("grid-sweep/report/sweep.csv") == before)
  }

  /// A line that an interrupt cut off costs its own point only.
  @Test func aCutOffStoreIsMended() throws {
    #expect(try sweep("--set", "prune.sparsity=0.25,0.5", "--no-timing").status == 0)
    let store = folder.url.appending(path: "grid-sweep/points.jsonl")
    try Data(try text("grid-sweep/points.jsonl").dropLast(40).utf8).write(to: store)
    let run = try sweep("--set", "prune.sparsity=0.25,0.5", "--no-timing")
    #expect(run.status == 0 && run.errors.contains("2 points, 1 of them done before"))
    let again = try sweep("--set", "prune.sparsity=0.25,0.5", "--no-timing")
    #expect(again.errors.contains("the sweep was finished before: all 2 points are kept"))
  }

  @Test func mistakesAreFoundBeforeTheFirstPoint() throws {
    let value = try sweep("--set", "prune.sparsity=0.5,1.5")
    #expect(value.status == 64 && value.errors.contains("--sparsity must be at least 0"))
    #expect(value.errors.contains("--set prune.sparsity=1.5: "))
    let step = try sweep("--set", "quantize.bits=8")
    #expect(step.status == 64 && step.errors.contains("no step 'quantize'"))
    let form = try sweep("--set", "sparsity=0.5")
    #expect(form.status == 64 && form.errors.contains("VERB.OPTION=VALUE"))
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "grid-sweep").path))
  }

  @Test func theDryRunListsThePoints() throws {
    let run = try sweep("--set", "prune.scope=global,local", "--seeds", "2", "--dry-run")
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.output.contains("compress run grid.yaml --set prune.scope=local --seed 1"))
    #expect(run.output.contains("4 points"))
  }
}
