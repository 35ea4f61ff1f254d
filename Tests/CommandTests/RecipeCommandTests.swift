import Foundation
import TestSupport
import Testing

/// `compress run` on a tiny detector: steps, resuming, goals, and what it says of mistakes.
@Suite struct RecipeCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
  }

  static let recipe = """
    title: Tiny
    model: tiny.onnx
    data: data.yaml
    calib: images/val
    seed: 3
    steps:
      - prune: {sparsity: 0.5}
      - quantize:
          observer: minmax
          max-damage: inf
    goals: {max-drop: 1, size: 500%}

    """

  private func write(_ text: String, as name: String = "recipe.yaml") throws {
    try Data(text.utf8).write(to: folder.url.appending(path: name))
  }

  private func run(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(["run"] + arguments + ["--threads", "1"], in: folder.url)
  }

  private func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.url.appending(path: path).path)
  }

  private func data(_ path: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: path))
  }

  @Test func everyStepLeavesItsModelPlanAndReport() throws {
    try write(Self.recipe)
    let run = try run("recipe.yaml", "--no-timing", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    for path in [
      "01-prune.onnx", "01-prune.plan.json", "01-prune.json", "01-prune/report.md",
      "02-quantize.onnx", "02-quantize.plan.json", "state.json", "report/report.html",
      "report/figures/accuracy-size.pdf",
    ] { #expect(exists("recipe-work/\(path)"), "\(path)") }
    let json = try run.json()
    let models = try #require(json["models"] as? [[String: Any]])
    #expect(models.map { $0["name"] as? String } == ["tiny.onnx", "prune", "prune → quantize"])
    let goals = try #require(json["goals"] as? [[String: Any]])
    #expect(goals.count == 2 && goals.allSatisfy { $0["isMet"] as? Bool == true })
    let manifest = String(decoding: try data("recipe-work/report/manifest.json"), as: UTF8.self)
    #expect(manifest.contains("\"02-quantize") || manifest.contains("02-quantize.onnx"))
    #expect(manifest.contains("\"seed\" : 3"))
  }

  /// In a step of distillation the model so far learns from the first one.
  @Test func theFirstModelTeachesWhatBecameOfIt() throws {
    try write(
      """
      scenes: {train: 16, score: 8}
      steps:
        - prune: {sparsity: 0.6, epochs: 0}
        - distill: {loss: 'kd,ld', epochs: 1, batch: 8}
        - quantize: {max-damage: inf, calib-count: 8}
      """)
    let run = try run("recipe.yaml", "--no-timing", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    let models = try #require(try run.json()["models"] as? [[String: Any]])
    #expect(models.last?["name"] as? String == "prune → distill → quantize")
    let state = String(decoding: try data("recipe-work/state.json"), as: UTF8.self)
    #expect(state.contains("--student") && state.contains("--teacher"))
    let dry = try self.run("recipe.yaml", "--dry-run")
    #expect(dry.status == 0 && dry.output.contains("distill"), "\(dry.errors)")
  }

  /// The second run does nothing again; a lost model is made again, to the same bytes, and only it.
  @Test func aRunGoesOnAfterTheLastStepDone() throws {
    try write(Self.recipe)
    #expect(try run("recipe.yaml", "--no-timing").status == 0)
    let model = try data("recipe-work/02-quantize.onnx")
    let again = try run("recipe.yaml", "--no-timing")
    #expect(again.errors.contains("step 1 of 2, prune: done before"))
    #expect(again.errors.contains("step 2 of 2, quantize: done before"))
    try FileManager.default.removeItem(
      at: folder.url.appending(path: "recipe-work/02-quantize.onnx"))
    let third = try run("recipe.yaml", "--no-timing")
    #expect(third.errors.contains("step 1 of 2, prune: done before"))
    #expect(third.errors.contains("step 2 of 2, quantize: compress quantize"))
    #expect(try data("recipe-work/02-quantize.onnx") == model)
    let changed = try run("recipe.yaml", "--no-timing", "--set", "prune.sparsity=0.25")
    #expect(!changed.errors.contains("done before"))
  }

  @Test func aMissedGoalHasItsStatus() throws {
    try write(Self.recipe.replacing("size: 500%", with: "size: 100B, macs: 1"))
    let run = try run("recipe.yaml", "--no-timing")
    #expect(run.status == 3)
    #expect(run.errors.contains("goal size 100B is missed") && run.errors.contains("goal macs 1"))
    #expect(run.output.contains("max-drop 1") && run.output.contains("missed"))
  }

  @Test func theDryRunWritesNothing() throws {
    try write(Self.recipe)
    let run = try run("recipe.yaml", "--dry-run")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("1. compress prune tiny.onnx --sparsity 0.5"))
    #expect(run.output.contains("on the first model: obs pruning"))
    #expect(run.output.contains("2. compress quantize recipe-work/01-prune.onnx"))
    #expect(run.output.contains("on the first model: quantisation"))
    #expect(!exists("recipe-work"))
  }

  @Test(arguments: [
    ("modle: a.onnx", 1, "'modle' is no key of a recipe; did you mean 'model'?"),
    ("model: tiny.onnx\nsteps:\n  - prun: {sparsity: 0.5}", 3, "did you mean 'prune'?"),
    (
      "model: tiny.onnx\nsteps:\n  - prune:\n      sparsity: 0.5\n      sparsitty: 2", 5,
      "Unknown option '--sparsitty'"
    ),
    (
      "model: tiny.onnx\nsteps:\n  - prune: {method: l1}\n  - prune:\n      sparsity: 1.5", 5,
      "--sparsity must be at least 0 and below 1"
    ),
    ("model: tiny.onnx\nsteps:\n  - prune: {output: x.onnx}", 3, "set by the run itself"),
    ("model: tiny.onnx\nsteps: prune", 2, "steps are a list"),
    ("model: tiny.onnx\nseed: -1\nsteps: [prune]", 2, "a whole number"),
    ("model: tiny.onnx\nsteps: [prune]\ngoals: {size: big}", 3, "size takes bytes"),
    ("model: tiny.onnx\nsteps: [prune]\ngoals:\n  max-drop: 0.1", 4, "name labelled images"),
    ("model: tiny.onnx\nsteps: [quantize]", 2, "give a folder of some with --calib"),
  ]) func mistakesAreNamedByLine(text: String, line: Int, reason: String) throws {
    try write(text, as: "wrong.yaml")
    let run = try run("wrong.yaml", "--dry-run")
    #expect(run.status == 65, "\(run.errors)")
    #expect(run.errors.contains("wrong.yaml: line \(line): "), "\(run.errors)")
    #expect(run.errors.contains(reason), "\(run.errors)")
  }

  @Test func absentFilesAndNoYAMLAreErrors() throws {
    #expect(try run("absent.yaml").status == 66)
    try write("model: [")
    let run = try run("recipe.yaml")
    #expect(run.status == 65 && run.errors.contains("is not YAML"))
  }

  @Test func variantsAreChosenByName() throws {
    try write(
      """
      model: tiny.onnx
      variants:
        light: [prune: {sparsity: 0.25}]
        heavy: [prune: {sparsity: 0.75}]
      """)
    let open = try run("recipe.yaml", "--no-timing")
    #expect(open.status == 64 && open.errors.contains("--variant: light, heavy"))
    let chosen = try run("recipe.yaml", "--no-timing", "--variant", "heavy")
    #expect(chosen.status == 0, "\(chosen.errors)")
    #expect(exists("recipe-work/heavy/01-prune.onnx"))
    let unknown = try run("recipe.yaml", "--variant", "mild")
    #expect(unknown.status == 64 && unknown.errors.contains("no variant 'mild'"))
    #expect(unknown.errors.contains("light, heavy"))
    try write(Self.recipe)
    let none = try run("recipe.yaml", "--variant", "mild")
    #expect(none.status == 64 && none.errors.contains("leave out --variant"))
  }
}
