import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// `compress lowrank` on the embedded detector and on a tiny one.
@Suite struct LowRankCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func lowrank(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(
      ["lowrank", "--epochs", "0", "--calib-count", "4", "--gain", "macs", "--format", "json"]
        + FewScenes.data(unless: arguments) + arguments, in: folder.url)
  }

  /// On the embedded detector's file, which is not scored without images.
  private func lowrankOfFile(_ arguments: String...) throws -> Binary.Outcome {
    let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path
    return try Binary.run(
      ["lowrank", model, "--gain", "macs", "--format", "json"] + arguments, in: folder.url)
  }

  private func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: name))
  }

  @Test func aBudgetIsMetProvedRefittedAndReported() throws {
    let run = try lowrank(
      "--target-macs", "0.7", "--output", "thin.onnx", "--report", "report", "--no-timing")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(json["isTargetMet"] as? Bool == true)
    let proof = try #require(json["proof"] as? [String: Any])
    let errors = try #require(proof["errors"] as? [String: Double])
    #expect(!errors.isEmpty && errors.values.allSatisfy { $0 <= 1e-4 })
    let (before, after) = (
      try #require(json["before"] as? [String: Any]), try #require(json["after"] as? [String: Any])
    )
    let (whole, left) = (
      try #require(before["macs"] as? Int), try #require(after["macs"] as? Int)
    )
    #expect(left * 10 <= whole * 7)
    let corrections = try #require(json["corrections"] as? [[String: Any]])
    let plan = try #require(json["plan"] as? [String: Any])
    let layers = try #require(plan["layers"] as? [[String: Any]])
    #expect(corrections.count == layers.count)
    let graph = try ModelFile.load(folder.url.appending(path: "thin.onnx"))
    #expect(graph.properties.metadata["compress.lowrank"]?.contains("target-macs=0.7") == true)
    for file in ["lowrank.csv", "reconstruction.csv", "figures/spectra.svg", "figures/lowrank.svg"]
    {
      #expect(try !data("report/" + file).isEmpty, "\(file)")
    }
    // The result is pruned, and factorised once more.
    for verb in [
      ["prune", "thin.onnx", "--method", "l1", "--channel-ratio", "0.1", "--output", "p.onnx"],
      ["lowrank", "thin.onnx", "--rank", "ratio=0.5", "--gain", "macs", "--output", "l.h5"],
    ] {
      let again = try Binary.run(verb, in: folder.url)
      #expect(again.status == 0, "\(again.errors)")
    }
  }

  /// On the tiny detector and its images, where it does not matter what is factorised.
  private func lowrankOfTiny(_ arguments: String...) throws -> Binary.Outcome {
    try lowrankOfTiny(arguments)
  }

  private func lowrankOfTiny(_ arguments: [String]) throws -> Binary.Outcome {
    if !FileManager.default.fileExists(atPath: folder.url.appending(path: "tiny.onnx").path) {
      try TinyDetector.write(to: folder.url)
      try TinyImages.write(to: folder.url)
    }
    return try Binary.run(
      [
        "lowrank", "tiny.onnx", "--gain", "macs", "--calib", "images/val", "--format", "json",
      ] + arguments, in: folder.url)
  }

  @Test(arguments: ["spatial-svd", "tucker", "cp", "response-svd"])
  func methodsAreAskedForByName(method: String) throws {
    let run = try lowrankOfTiny(
      "--method", method, "--rank", "ratio=0.4", "--iterations", "10", "--starts", "1", "--output",
      "thin.onnx")
    #expect(run.status == 0, "\(run.errors)")
    let plan = try #require(try run.json()["plan"] as? [String: Any])
    let layers = try #require(plan["layers"] as? [[String: Any]])
    #expect(!layers.isEmpty && layers.allSatisfy { $0["method"] as? String == method })
    let score = try Binary.run(["inspect", "thin.onnx", "--summary"], in: folder.url)
    #expect(score.status == 0, "\(score.errors)")
  }

  @Test func responsesNeedImages() throws {
    let none = try lowrankOfFile("--method", "response-svd", "--rank", "ratio=0.4")
    #expect(none.status == 64 && none.errors.contains("--calib"), "\(none.errors)")
  }

  @Test func threadsDoNotMatterAndPlansAreReplayed() throws {
    for threads in ["1", "2"] {
      let run = try lowrankOfTiny(
        "--target-macs", "0.8", "--method", "svd,spatial-svd,tucker", "--threads", threads,
        "--plan-out", "p\(threads).json", "--output", "t\(threads).onnx")
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try data("t1.onnx") == data("t2.onnx"))
    #expect(try data("p1.json") == data("p2.json"))
    let replay = try lowrankOfTiny("--plan", "p1.json", "--output", "replay.onnx")
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try data("replay.onnx") == data("t1.onnx"))
    let plan = String(decoding: try data("p1.json"), as: UTF8.self)
    let wild = plan.replacing(/"rank" : \[\s*\d+/, with: "\"rank\" : [ 99999")
    try Data(wild.utf8).write(to: folder.url.appending(path: "wild.json"))
    let refused = try lowrankOfTiny("--plan", "wild.json", "--output", "wild.onnx")
    #expect(refused.status == 65 && refused.errors.contains("no factors of rank"))
    let wrong = try Binary.run(["lowrank", "--epochs", "0", "--plan", "p1.json"], in: folder.url)
    #expect(wrong.status == 65 && wrong.errors.contains("another model"), "\(wrong.errors)")
  }

  @Test func measuredDamagesAreKeptAndReused() throws {
    func share(_ name: String) throws -> Binary.Outcome {
      try lowrankOfTiny(
        "--target-macs", "0.9", "--allocation", "sensitivity", "--sensitivity", "s.json",
        "--output", name)
    }
    let first = try share("a.onnx")
    #expect(first.status == 0, "\(first.errors)")
    let saved = try data("s.json")
    #expect(try share("b.onnx").status == 0)
    #expect(try data("s.json") == saved && data("a.onnx") == data("b.onnx"))
  }

  @Test func normalisationsBetweenStagesChangeNothing() throws {
    for (name, more) in [("plain.onnx", []), ("bn.onnx", ["--batchnorm-between"])] {
      let run = try lowrankOfTiny(
        ["--method", "spatial-svd", "--rank", "ratio=0.5", "--output", name] + more)
      #expect(run.status == 0, "\(run.errors)")
    }
    let (plain, between) = (
      try ModelFile.load(folder.url.appending(path: "plain.onnx")),
      try ModelFile.load(folder.url.appending(path: "bn.onnx"))
    )
    func count(_ graph: Graph) -> Int { graph.nodes.count { $0.opType == "BatchNormalization" } }
    #expect(count(between) > count(plain))
    let compared = try Binary.run(
      ["compare", "plain.onnx", "bn.onnx", "--format", "json"], in: folder.url)
    #expect(compared.status == 0, "\(compared.errors)")
    for output in try #require(try compared.json()["outputs"] as? [[String: Any]]) {
      #expect(try #require(output["normalizedMaxError"] as? Double) < Tolerance.network.bound)
    }
  }

  @Test func whatGainsNothingStaysWholeAndIsSaid() throws {
    let run = try lowrank("--rank", "9999", "--dry-run")
    #expect(run.status == 65, "\(run.errors)")
    #expect(run.errors.contains("no layer can be factorised") && run.errors.contains("no fewer"))
    let dry = try Binary.run(
      ["lowrank", "--rank", "ratio=0.4", "--gain", "macs", "--min-gain", "0.5", "--dry-run"],
      in: folder.url)
    #expect(dry.status == 0, "\(dry.errors)")
    #expect(dry.output.contains("Nothing was written") && dry.output.contains("first layer"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test(arguments: [
    (["--method", "best"], 64, "--method takes svd"),
    (["--rank", "many"], 64, "--rank takes auto"),
    (["--rank", "3", "--target-macs", "0.5"], 64, "Give one of"),
    (["--min-gain", "1"], 64, "--min-gain must be"),
    (["--gain", "luck"], 64, "--gain takes"),
    (["--allocation", "sensitivity"], 64, "give --target-macs"),
    (["--exclude", "nothing*"], 64, "no layer is called"),
    (["--from-scratch"], 64, "give --epochs"),
    (["--calib", "missing"], 66, "missing"),
    (["--plan", "missing.json"], 66, "no such file"),
    (["nowhere.onnx"], 66, "nowhere.onnx"),
  ])
  func mistakesAreNamed(arguments: [String], status: Int32, message: String) throws {
    let run = try Binary.run(["lowrank", "--epochs", "0"] + arguments, in: folder.url)
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test func aFloorThatIsMissedEndsWithStatus3() throws {
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
    // An object of the class that the detector never finds.
    try Data("0 0.5 0.5 0.5 0.5\n1 0.1 0.1 0.1 0.1\n".utf8).write(
      to: folder.url.appending(path: "labels/val/0.txt"))
    let run = try lowrankOfTiny(
      "--rank", "ratio=0.4", "--data", "data.yaml", "--min-map", "0.9", "--output", "thin.onnx")
    #expect(run.status == 3, "\(run.errors)")
    #expect(run.errors.contains("written all the same"))
    #expect(try !data("thin.onnx").isEmpty)
  }
}
