import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// `compress quantize` on the embedded detector and on a tiny one.
@Suite struct QuantizeCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Scores on few scenes and measures no layer by itself unless the arguments say otherwise.
  private func quantize(_ arguments: String...) throws -> Binary.Outcome {
    let data = try FewScenes.data(unless: arguments)
    let guarded = ["--max-damage", "--max-drop", "--sensitivity"].contains(
      where: arguments.contains)
    return try Binary.run(
      ["quantize", "--calib-count", "8", "--format", "json"] + data + arguments
        + (guarded ? [] : ["--max-damage", "inf"]), in: folder.url)
  }

  private func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: name))
  }

  @Test func theEmbeddedDetectorKeepsItsAccuracy() throws {
    let run = try quantize("--max-damage", "0.1", "--report", "report", "--no-timing")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(try score(json, "before") - score(json, "after") < 0.02)
    #expect(json["sensitivity"] == nil)
    #expect(try !data("report/quantization.csv").isEmpty)
    let (before, after) = (
      try #require(json["before"] as? [String: Any]), try #require(json["after"] as? [String: Any])
    )
    let (bytes, left) = (
      try #require(before["fileBytes"] as? Int), try #require(after["fileBytes"] as? Int)
    )
    #expect(left * 5 < bytes * 2)
    #expect(json["layers"] as? Int == json["allLayers"] as? Int)
    let graph = try ModelFile.load(folder.url.appending(path: "default-int8.onnx"))
    #expect(graph.properties.metadata["compress.quantize"]?.contains("mse") == true)
    #expect(try !data("report/report.md").isEmpty)
    let again = try Binary.run(
      ["quantize", "default-int8.onnx", "--calib", "report"], in: folder.url)
    #expect(again.status == 65 && again.errors.contains("quantised already"), "\(again.errors)")
  }

  @Test func plansAreReplayedAtAnyNumberOfThreads() throws {
    for threads in ["1", "2"] {
      let run = try quantize(
        "--threads", threads, "--plan-out", "p\(threads).json", "--output", "q\(threads).onnx")
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try data("q1.onnx") == data("q2.onnx") && data("p1.json") == data("p2.json"))
    let replay = try Binary.run(
      ["quantize", "--plan", "p1.json", "--output", "r.h5", "--data", FewScenes.path],
      in: folder.url)
    #expect(replay.status == 0, "\(replay.errors)")
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "q1.onnx")),
      try ModelFile.load(folder.url.appending(path: "r.h5"))
    )
    #expect(first.nodes == second.nodes)
    #expect(first.initializers.mapValues(\.tensor) == second.initializers.mapValues(\.tensor))
    let other = try TinyDetector.write(to: folder.url)
    let wrong = try Binary.run(["quantize", other.path, "--plan", "p1.json"], in: folder.url)
    #expect(wrong.status == 65 && wrong.errors.contains("another model"), "\(wrong.errors)")
  }

  @Test func dryRunsWriteNothing() throws {
    let run = try quantize("--dry-run")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json()["output"] == nil)
    #expect(
      !FileManager.default.fileExists(atPath: folder.url.appending(path: "default-int8.onnx").path))
  }

  @Test func schemesAreFollowed() throws {
    for arguments in [
      ["--bits", "6"], ["--per-tensor"], ["--symmetric"], ["--power-of-two"], ["--reduce-range"],
      ["--weight-grid", "log2"], ["--observer", "percentile=99.9"],
    ] {
      let run = try Binary.run(
        [
          "quantize", "--calib-count", "4", "--output", "s.onnx", "--format", "json", "--data",
          try FewScenes.path, "--max-damage", "inf",
        ] + arguments, in: folder.url)
      #expect(run.status == 0, "\(arguments) \(run.errors)")
      let after = try #require(try run.json()["after"] as? [String: Any])
      let accuracy = try #require(after["accuracy"] as? [String: Double])
      #expect(try #require(accuracy["AP"]) > 0.3, "\(arguments)")
    }
  }

  @Test func harmfulLayersStayFloat() throws {
    let list = try quantize("--sensitivity", "--dry-run", "--bits", "5")
    #expect(list.status == 0, "\(list.errors)")
    let layers = try #require(try list.json()["sensitivity"] as? [[String: Any]])
    let damages = layers.compactMap { $0["damage"] as? Double }
    #expect(damages == damages.sorted(by: >) && damages.count > 20)
    let bound = damages[5]
    let run = try quantize(
      "--max-damage", "\(bound)", "--bits", "5", "--dry-run")
    #expect(run.status == 0, "\(run.errors)")
    let plan = try #require(try run.json()["plan"] as? [String: Any])
    let kept = try #require(plan["kept"] as? [[String: String]])
    #expect(
      kept.count { $0["reason"]?.contains("--max-damage") == true && $0["opType"] == "Conv" } == 5)
  }

  @Test func layersAreGivenBackUntilTheBoundHolds() throws {
    let run = try quantize(
      "--weight-bits", "3", "--max-drop", "0.05", "--max-damage", "inf", "--output", "m.onnx")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let layers = try #require(json["layers"] as? Int)
    #expect(layers < (try #require(json["allLayers"] as? Int)) && layers > 0)
    func score(_ key: String) throws -> Double {
      let evidence = try #require(json[key] as? [String: Any])
      return try #require((evidence["accuracy"] as? [String: Double])?["AP"])
    }
    #expect(try score("before") - score("after") <= 0.05)
  }

  @Test func wrongUseSaysWhatToDo() throws {
    let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "empty"), withIntermediateDirectories: true)
    for (arguments, status, text) in [
      ([model], Int32(64), "--calib"),
      ([model, "--calib", "empty"], 66, "no"),
      ([model, "--calib", "nowhere"], 66, "nowhere"),
      (["--bits", "1"], 64, "between 2 and 8"),
      (["--observer", "best"], 64, "minmax"),
      (["--exclude", "nothing*"], 64, "no node fits"),
      (["--exclude", "*"], 65, "no layer"),
      (["--plan", "none.json"], 66, "no such file"),
      (["--plan", "none.json", "--exclude", "*"], 64, "--plan says"),
      (["--drop-type", "some"], 64, "absolute or relative"),
      (["--bits", "few"], 64, "auto"),
      (["--margin", "0.1"], 64, "--bits auto"),
      (["--data-free", "--calib", "x"], 64, "no images"),
      (["--rounding", "adaptive", "--weight-grid", "log2"], 64, "uniform"),
      (["--finetune", "1", "--dry-run"], 64, "--finetune"),
      ([model, "--calib", "x", "--finetune", "1"], 64, "--train-data"),
      ([model, "--calib", "x", "--bits", "auto"], 64, "--data"),
    ] {
      let run = try Binary.run(["quantize"] + arguments, in: folder.url)
      #expect(run.status == status, "\(arguments): \(run.status) \(run.errors)")
      #expect(run.errors.contains(text), "\(arguments): \(run.errors)")
    }
  }

  private func score(_ json: [String: Any], _ key: String) throws -> Double {
    let evidence = try #require(json[key] as? [String: Any])
    return try #require((evidence["accuracy"] as? [String: Double])?["AP"])
  }

  @Test func noImagesAreNeeded() throws {
    let run = try Binary.run(
      [
        "quantize", "--data-free", "--format", "json", "--plan-out", "plan.json", "--data",
        try FewScenes.path, "--max-damage", "inf",
      ], in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(try score(json, "before") - score(json, "after") < 0.03)
    let remarks = try #require(json["remarks"] as? [String])
    #expect(remarks.contains { $0.contains("normalisations") }, "\(remarks)")
    let plan = try #require(json["plan"] as? [String: Any])
    #expect((plan["biasShifts"] as? [String: Any])?.isEmpty == false)
    let replay = try Binary.run(
      ["quantize", "--plan", "plan.json", "--output", "again.onnx", "--data", FewScenes.path],
      in: folder.url)
    #expect(replay.status == 0, "\(replay.errors)")
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "default-int8.onnx")),
      try ModelFile.load(folder.url.appending(path: "again.onnx"))
    )
    #expect(first.initializers.mapValues(\.tensor) == second.initializers.mapValues(\.tensor))
  }

  @Test func trainingGoesOnWhileRounding() throws {
    let plain = try quantize("--weight-bits", "3", "--output", "plain.onnx")
    let tuned = try quantize(
      "--weight-bits", "3", "--finetune", "4", "--output", "tuned.onnx", "--lr", "0.001",
      "--batch", "4", "--loss", "match", "--train-data", try FewScenes.path)
    #expect(plain.status == 0 && tuned.status == 0, "\(plain.errors) \(tuned.errors)")
    let (without, with) = (try plain.json(), try tuned.json())
    #expect(try score(with, "after") > score(without, "after") + 0.01)
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "plain.onnx")),
      try ModelFile.load(folder.url.appending(path: "tuned.onnx"))
    )
    #expect(first.nodes == second.nodes && first != second)
    #expect(with["epochs"] as? Int == 4)
  }

  @Test func roundingIsLearntAndReplayed() throws {
    let run = try quantize(
      "--weight-bits", "3", "--max-damage", "inf", "--rounding", "adaptive", "--plan-out", "p.json",
      "--output", "a.onnx")
    let nearest = try quantize(
      "--weight-bits", "3", "--max-damage", "inf", "--output", "n.onnx")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try score(run.json(), "after") > score(nearest.json(), "after"))
    let replay = try Binary.run(
      ["quantize", "--plan", "p.json", "--output", "b.onnx", "--data", FewScenes.path],
      in: folder.url)
    #expect(replay.status == 0, "\(replay.errors)")
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "a.onnx")),
      try ModelFile.load(folder.url.appending(path: "b.onnx"))
    )
    #expect(first.initializers.mapValues(\.tensor) == second.initializers.mapValues(\.tensor))
  }

  @Test func theFewestBitsAreFound() throws {
    let run = try quantize(
      "--bits", "auto", "--margin", "0.05", "--max-damage", "inf", "--power-of-two")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let trials = try #require(json["trials"] as? [[String: Any]])
    #expect(trials.count > 2)
    let scheme = try #require((json["plan"] as? [String: Any])?["scheme"] as? [String: Any])
    let bits = try #require(scheme["weightBits"] as? Int)
    #expect(bits < 8, "\(trials)")
    #expect(try score(json, "before") - score(json, "after") <= 0.0501)
  }

  @Test func calibrationIsKeptAndGoesOn() throws {
    let first = try quantize("--calib-state", "s.json", "--output", "a.onnx")
    #expect(first.status == 0, "\(first.errors)")
    let second = try quantize("--calib-state", "s.json", "--output", "b.onnx")
    #expect(second.status == 0 && second.errors.contains("going on after 8"), "\(second.errors)")
    #expect(try data("a.onnx") == data("b.onnx"))
    let other = try quantize("--calib-state", "s.json", "--equalize", "none")
    #expect(other.status == 65 && other.errors.contains("other images"), "\(other.errors)")
    try Data("{".utf8).write(to: folder.url.appending(path: "s.json"))
    let broken = try quantize("--calib-state", "s.json")
    #expect(broken.status == 65 && broken.errors.contains("s.json"), "\(broken.errors)")
  }

  @Test func operatorsOfIntegersScoreAlike() throws {
    let run = try quantize(
      "--form", "qoperator", "--output", "o.onnx", "--simulate-saturation")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(try score(json, "before") - score(json, "after") < 0.02)
    #expect(json["saturatedAP"] as? Double != nil)
    let graph = try ModelFile.load(folder.url.appending(path: "o.onnx"))
    #expect(graph.nodes.contains { $0.opType == "QLinearConv" })
    let again = try Binary.run(
      ["evaluate", "o.onnx", "--simulate-saturation", "--data", "none"], in: folder.url)
    #expect(again.status == 66)
  }

  @Test func rangesFollowWhatTheHeadSays() throws {
    // Of the whole network every value would be tried.
    let run = try quantize(
      "--observer", "detection", "--exclude", "*backbone*", "--output", "d.onnx")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(try score(json, "before") - score(json, "after") < 0.02)
    #expect((json["plan"] as? [String: Any])?["observer"] as? String == "detection")
  }

  @Test func imagesThatAreScoredOnAreNoticed() throws {
    let run = try Binary.run(
      ["dataset", "synth", "--images", "6", "--output", "scenes"], in: folder.url)
    guard run.status == 0 else { return #expect(Bool(false), "\(run.errors)") }
    let quantized = try quantize("--calib", "scenes", "--data", "scenes", "--output", "o.onnx")
    #expect(quantized.status == 0, "\(quantized.errors)")
    #expect(quantized.errors.contains("6 of the images"), "\(quantized.errors)")
  }
}
