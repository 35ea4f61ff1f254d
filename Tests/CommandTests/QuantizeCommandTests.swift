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

  /// On the tiny detector and its images, where it does not matter what is quantised.
  private func quantizeTiny(_ arguments: String...) throws -> Binary.Outcome {
    try quantizeTiny(arguments)
  }

  private func quantizeTiny(_ arguments: [String]) throws -> Binary.Outcome {
    if !FileManager.default.fileExists(atPath: folder.url.appending(path: "tiny.onnx").path) {
      try TinyDetector.write(to: folder.url)
      try TinyImages.write(to: folder.url)
    }
    return try Binary.run(
      ["quantize", "tiny.onnx", "--calib", "images/val", "--format", "json"] + arguments,
      in: folder.url)
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
      let run = try quantizeTiny(
        "--threads", threads, "--plan-out", "p\(threads).json", "--output", "q\(threads).onnx")
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try data("q1.onnx") == data("q2.onnx") && data("p1.json") == data("p2.json"))
    let replay = try Binary.run(
      ["quantize", "tiny.onnx", "--plan", "p1.json", "--output", "r.h5"], in: folder.url)
    #expect(replay.status == 0, "\(replay.errors)")
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "q1.onnx")),
      try ModelFile.load(folder.url.appending(path: "r.h5"))
    )
    #expect(first.nodes == second.nodes)
    #expect(first.initializers.mapValues(\.tensor) == second.initializers.mapValues(\.tensor))
    let wrong = try Binary.run(["quantize", "--plan", "p1.json"], in: folder.url)
    #expect(wrong.status == 65 && wrong.errors.contains("another model"), "\(wrong.errors)")
  }

  @Test func dryRunsWriteNothing() throws {
    let run = try quantizeTiny("--dry-run")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json()["output"] == nil)
    #expect(
      !FileManager.default.fileExists(atPath: folder.url.appending(path: "tiny-int8.onnx").path))
  }

  @Test func schemesAreAskedForByOptions() throws {
    for (arguments, key, bits) in [
      (["--bits", "6"], "weightBits", 6), (["--bits", "6"], "activationBits", 6),
      (["--weight-bits", "3"], "weightBits", 3),
    ] {
      #expect(try scheme(of: arguments)[key] as? Int == bits, "\(arguments)")
    }
    for (arguments, key, isSet) in [
      (["--per-tensor"], "perChannel", false), (["--symmetric"], "symmetricActivations", true),
      (["--power-of-two"], "powerOfTwo", true), (["--reduce-range"], "reduceRange", true),
    ] {
      #expect(try scheme(of: arguments)[key] as? Bool == isSet, "\(arguments)")
    }
    #expect(try scheme(of: ["--weight-grid", "log2"])["weightGrid"] as? String == "log2")
    for observer in ["percentile=99.9", "entropy", "detection"] {
      #expect(try plan(of: ["--observer", observer])["observer"] as? String == observer)
    }
  }

  private func scheme(of arguments: [String]) throws -> [String: Any] {
    try #require(try plan(of: arguments)["scheme"] as? [String: Any])
  }

  /// The plan of a dry run.
  private func plan(of arguments: [String]) throws -> [String: Any] {
    let run = try quantizeTiny(["--dry-run", "--max-damage", "inf"] + arguments)
    #expect(run.status == 0, "\(arguments): \(run.errors)")
    return try #require(try run.json()["plan"] as? [String: Any])
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
      "--weight-bits", "3", "--finetune", "4", "--validate-every", "4", "--output", "tuned.onnx",
      "--lr", "0.001",
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
    let run = try quantizeTiny(
      "--weight-bits", "3", "--max-damage", "inf", "--rounding", "adaptive", "--plan-out", "p.json",
      "--output", "a.onnx")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try #require(try run.json()["roundings"] as? [Any]).count > 2)
    let replay = try Binary.run(
      ["quantize", "tiny.onnx", "--plan", "p.json", "--output", "b.onnx"], in: folder.url)
    #expect(replay.status == 0, "\(replay.errors)")
    let (first, second) = (
      try ModelFile.load(folder.url.appending(path: "a.onnx")),
      try ModelFile.load(folder.url.appending(path: "b.onnx"))
    )
    #expect(first.initializers.mapValues(\.tensor) == second.initializers.mapValues(\.tensor))
  }

  /// Bounds on mAP and on damage are options, and what they did is in the result.
  @Test func boundsAreOptions() throws {
    let bits = try quantizeTiny(
      "--bits", "auto", "--margin", "0.05", "--data", "data.yaml", "--output", "b.onnx")
    #expect(bits.status == 0, "\(bits.errors)")
    #expect(try #require(try bits.json()["trials"] as? [Any]).count > 2)
    let drop = try quantizeTiny(
      "--weight-bits", "2", "--max-drop", "0.05", "--drop-type", "relative", "--data", "data.yaml",
      "--output", "d.onnx")
    #expect(drop.status == 0, "\(drop.errors)")
    let damages = try #require(try drop.json()["sensitivity"] as? [[String: Any]])
    #expect(damages.count > 2)
    let harm = try quantizeTiny("--sensitivity", "--max-damage", "1e-9", "--bits", "2", "--dry-run")
    #expect(harm.errors.contains("--max-damage") || harm.output.contains("--max-damage"))
  }

  @Test func calibrationIsKeptAndGoesOn() throws {
    let first = try quantizeTiny("--calib-state", "s.json", "--output", "a.onnx")
    #expect(first.status == 0, "\(first.errors)")
    let second = try quantizeTiny("--calib-state", "s.json", "--output", "b.onnx")
    #expect(second.status == 0 && second.errors.contains("going on after 3"), "\(second.errors)")
    #expect(try data("a.onnx") == data("b.onnx"))
    let other = try quantizeTiny("--calib-state", "s.json", "--equalize", "none")
    #expect(other.status == 65 && other.errors.contains("other images"), "\(other.errors)")
    try Data("{".utf8).write(to: folder.url.appending(path: "s.json"))
    let broken = try quantizeTiny("--calib-state", "s.json")
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

  @Test func imagesThatAreScoredOnAreNoticed() throws {
    let run = try quantizeTiny("--data", "data.yaml", "--output", "o.onnx")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("3 of the images"), "\(run.errors)")
  }
}
