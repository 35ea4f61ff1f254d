import Foundation
import TestSupport
import Testing

/// Which images and classes verbs score, and that results say so.
@Suite struct ScoringCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url, count: 6)
  }

  private func run(_ words: String...) throws -> Binary.Outcome {
    try Binary.run(words + ["--threads", "1"], in: folder.url)
  }

  private func sample(_ value: Any?) -> [Int?] {
    let sample = (value as? [String: Any])?["sample"] as? [String: Any]
    return ["images", "of", "seed"].map { sample?[$0] as? Int }
  }

  @Test func aLimitChoosesImagesAndTheResultSaysWhich() throws {
    let words = ["evaluate", "tiny.onnx", "--data", "data.yaml", "--limit", "2", "--threads", "1"]
    let text = try Binary.run(words + ["--limit-seed", "5"], in: folder.url)
    #expect(text.status == 0 && text.output.contains("2 of 6 images, seed 5"), "\(text.output)")
    let json = try Binary.run(words + ["--format", "json"], in: folder.url).json()
    #expect(json["images"] as? Int == 2 && sample(json) == [2, 6, 0])
    let objects = (json["classes"] as? [[String: Any]])?.compactMap { $0["objects"] as? Int }
    #expect(objects == [2, 0])
  }

  @Test func resultsOfImagesThatAreNotChosenArePassedOver() throws {
    let words = ["--data", "data.yaml", "--format", "json"]
    let all = try Binary.run(
      ["evaluate", "tiny.onnx", "--save-detections", "found.json"] + words, in: folder.url)
    let some = try Binary.run(
      ["evaluate", "--detections", "found.json", "--limit", "2"] + words, in: folder.url)
    #expect(all.status == 0 && some.status == 0, "\(all.errors)\(some.errors)")
    let counts = try [all, some].map { try $0.json()["detections"] as? Int }
    #expect(counts[1].map { 3 * $0 } == counts[0])
  }

  @Test(arguments: [
    ["prune", "tiny.onnx", "--sparsity", "0.5", "--method", "magnitude"],
    ["quantize", "tiny.onnx", "--data-free"],
    ["lowrank", "tiny.onnx", "--rank", "2", "--gain", "macs"],
  ])
  func comparisonsScoreTheChosenImages(words: [String]) throws {
    let outcome = try Binary.run(
      words + [
        "--data", "data.yaml", "--limit", "2", "--limit-seed", "7", "--report", "report",
        "--no-timing", "--threads", "1", "--format", "json",
      ], in: folder.url)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let json = try outcome.json()
    // Where images are looked at, some are held out before the choice.
    for key in ["before", "after"] {
      let found = sample(json[key])
      #expect(found[0] == 2 && found[2] == 7 && (3...6).contains(found[1] ?? 0), "\(found)")
    }
    let report = try String(
      contentsOf: folder.url.appending(path: "report/report.md"), encoding: .utf8)
    #expect(report.contains("2 of ") && report.contains(" images, seed 7"))
  }

  @Test func reportsAndRecipesSayWhichImages() throws {
    let run = try run(
      "report", "tiny.onnx", "--data", "data.yaml", "--limit", "3", "--no-timing", "--output", "r")
    #expect(run.status == 0 && run.output.contains("scored on 3 of 6 images, seed 0"))
    for file in ["report.md", "report.html", "report.tex", "manifest.json"] {
      let text = try String(
        contentsOf: folder.url.appending(path: "r/\(file)"), encoding: .utf8)
      #expect(text.contains(file == "manifest.json" ? #""of" : 6"# : "3 of 6 images, seed 0"))
    }
    let recipe = "model: tiny.onnx\ndata: data.yaml\nlimit: 2\nsteps: [prune: {sparsity: 0.5}]\n"
    try Data(recipe.utf8).write(to: folder.url.appending(path: "recipe.yaml"))
    let done = try Binary.run(
      ["run", "recipe.yaml", "--no-timing", "--format", "json"], in: folder.url)
    #expect(done.status == 0, "\(done.errors)")
    let models = try #require(try done.json()["models"] as? [[String: Any]])
    #expect(models.map { sample($0)[0] } == [2, 2])
  }

  /// Adds classes that the detector lacks: their objects are in every image.
  private func addClasses(_ names: String) throws {
    try Data("path: .\nval: images/val\nnames: [\(names)]\n".utf8).write(
      to: folder.url.appending(path: "data.yaml"))
    for index in 0..<6 {
      try Data("0 0.5 0.5 0.5 0.5\n2 0.2 0.2 0.1 0.1\n".utf8).write(
        to: folder.url.appending(path: "labels/val/\(index).txt"))
    }
  }

  @Test func classesThatTheDetectorLacksAreLeftOutAndNamed() throws {
    try addClasses("class0, class1, car, dog")
    let run = try run("evaluate", "tiny.onnx", "--data", "data.yaml", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect((json["summary"] as? [String: Double])?["AP"] == 1)
    let names = (json["classes"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
    #expect(names == ["class0", "class1"])
    let remark = "the detector has no car, dog: 2 of the data set's 4 classes are left out"
    #expect(run.errors.contains(remark))
    #expect((json["warnings"] as? [String])?.contains { $0.contains(remark) } ?? false)
    let report = try self.run(
      "report", "tiny.onnx", "--data", "data.yaml", "--no-timing", "--output", "r")
    #expect(report.status == 0, "\(report.errors)")
    let text = try String(contentsOf: folder.url.appending(path: "r/report.md"), encoding: .utf8)
    #expect(text.contains(remark))
  }

  @Test func chosenClassesAreScoredAlone() throws {
    try addClasses("class0, class1, car, dog")
    func classes(_ names: String) throws -> Binary.Outcome {
      try run(
        "evaluate", "tiny.onnx", "--data", "data.yaml", "--classes", names, "--format", "json")
    }
    let one = try classes("Class1")
    #expect(one.status == 0, "\(one.errors)")
    let names = (try one.json()["classes"] as? [[String: Any]])?.compactMap {
      $0["name"] as? String
    }
    #expect(names == ["class1"] && one.errors.contains("scored are Class1 alone of 4 classes"))
    for (wrong, status, message) in [
      ("class0,horse", 64, "has no class 'horse'; it has class0, class1, car, dog"),
      ("car", 65, "the names do not match"), ("class0,", 64, "--classes"),
    ] {
      let run = try classes(wrong)
      #expect(run.status == Int32(status) && run.errors.contains(message), "\(run.errors)")
    }
  }

  @Test func namesOfPascalVOCAreThoseOfCOCO() throws {
    try addClasses("aeroplane, class1, tvmonitor")
    try Data("classes: [airplane, tv]\n".utf8).write(to: folder.url.appending(path: "head.yaml"))
    let run = try run(
      "evaluate", "tiny.onnx", "--data", "data.yaml", "--head", "head.yaml", "--per-class",
      "--classes", "airplane")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains(/aeroplane +6/), "\(run.output)")
  }

  @Test func aLimitWithoutLabelledImagesIsRefused() throws {
    let run = try run("prune", "tiny.onnx", "--sparsity", "0.5", "--limit", "2")
    #expect(run.status == 64 && run.errors.contains("--limit"), "\(run.errors)")
    let seed = try self.run("evaluate", "tiny.onnx", "--data", "data.yaml", "--limit-seed", "2")
    #expect(seed.status == 64 && seed.errors.contains("--limit-seed"))
  }
}
