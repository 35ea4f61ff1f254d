import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// `compress prune --channels` and what `inspect` says of channels, on the embedded detector.
@Suite struct ChannelPruneCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func prune(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(
      ["prune", "--epochs", "0", "--calib-count", "4", "--format", "json"]
        + FewScenes.data(unless: arguments) + arguments, in: folder.url)
  }

  private func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: name))
  }

  @Test func theFileShrinksAsFarAsAskedForAndIsProved() throws {
    let run = try prune(
      "--channels", "--method", "l1", "--sparsity", "0.3", "--output", "slim.onnx")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let proof = try #require(json["proof"] as? [String: Any])
    let errors = try #require(proof["errors"] as? [String: Double])
    #expect(!errors.isEmpty && errors.values.allSatisfy { $0 <= 1e-4 })
    let (before, after) = (
      try #require(json["before"] as? [String: Any]), try #require(json["after"] as? [String: Any])
    )
    let (whole, left) = (
      try #require(before["parameters"] as? Int), try #require(after["parameters"] as? Int)
    )
    #expect(left <= whole * 7 / 10 && left > whole * 2 / 3)
    #expect((after["macs"] as? Int ?? 0) < (before["macs"] as? Int ?? 0))
    let graph = try ModelFile.load(folder.url.appending(path: "slim.onnx"))
    let record = try #require(graph.properties.metadata["compress.prune"])
    #expect(record.contains("\"channelRatio\"") && record.contains("\"proof\""))
    // The result detects, and is pruned again.
    let again = try Binary.run(
      [
        "prune", "slim.onnx", "--method", "fpgm", "--channel-ratio", "0.1", "--output",
        "again.onnx",
        "--format", "json",
      ], in: folder.url)
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test func threadsDoNotMatter() throws {
    for threads in ["1", "2"] {
      let run = try prune(
        "--method", "apoz", "--target-macs", "0.7", "--threads", threads, "--output",
        "t\(threads).onnx")
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try data("t1.onnx") == data("t2.onnx"))
  }

  @Test func aPlanIsReplayed() throws {
    let dry = try prune(
      "--channels", "--method", "l2", "--channel-ratio", "0.2", "--dry-run", "--plan-out", "p.json")
    #expect(dry.status == 0, "\(dry.errors)")
    #expect(try dry.json()["output"] == nil)
    let direct = try prune(
      "--channels", "--method", "l2", "--channel-ratio", "0.2", "--output", "a.onnx")
    let replayed = try prune("--plan", "p.json", "--output", "b.onnx")
    #expect(direct.status == 0 && replayed.status == 0, "\(replayed.errors)")
    let (a, b) = (
      try ModelFile.load(folder.url.appending(path: "a.onnx")),
      try ModelFile.load(folder.url.appending(path: "b.onnx"))
    )
    #expect(a.initializers == b.initializers && a.nodes == b.nodes)
  }

  /// Unless told otherwise, images choose by second order and damage.
  @Test(arguments: [
    ("lasso", ["--method", "lasso", "--allocation", "global"], "global"),
    ("obs", ["--channels"], "measured"),
  ])
  func whatIsRefittedIsReported(
    method: String, arguments: [String], allocation: String
  ) throws {
    let planned = try Binary.run(
      [
        "prune", "--epochs", "0", "--calib-count", "4", "--format", "json", "--target-macs", "0.8",
        "--plan-out", "plan.json", "--output", "a.onnx",
      ] + FewScenes.data(unless: arguments) + arguments, in: folder.url)
    let plan = try #require(
      JSONSerialization.jsonObject(with: data("plan.json")) as? [String: Any])
    #expect(plan["method"] as? String == method && plan["allocation"] as? String == allocation)
    let replayed = try Binary.run(
      [
        "prune", "--plan", "plan.json", "--calib-count", "4", "--format", "json", "--output",
        "b.onnx",
      ]
        + FewScenes.data(unless: arguments), in: folder.url)
    #expect(planned.status == 0 && replayed.status == 0, "\(planned.errors) \(replayed.errors)")
    let layers = try #require(try planned.json()["reconstruction"] as? [[String: Any]])
    #expect(layers.count > 20)
    #expect(
      try ModelFile.load(folder.url.appending(path: "a.onnx")).initializers
        == ModelFile.load(folder.url.appending(path: "b.onnx")).initializers)
    for layer in layers {
      let (before, after) = (layer["errorBefore"] as? Double, layer["errorAfter"] as? Double)
      #expect((after ?? 1) <= (before ?? 0) + 1e-6)
    }
  }

  @Test(arguments: [
    (["--method", "nonsense"], 64, "--method takes"),
    (["--allocation", "uniform"], 64, "are for --channels"),
    (["--channels", "--pattern", "2:4"], 64, "for single weights"),
    (["--channels", "--target-macs", "lots"], 64, "--target-macs takes"),
    (["--channels", "--target-macs", "0.5", "--channel-ratio", "0.5"], 64, "Give one of"),
    (["--channels", "--sparsity", "0.5", "--target-macs", "0.5"], 64, "Give one of"),
    (["--channels", "--round-to", "0"], 64, "--round-to must lie between 1 and"),
    (["--channels", "--schedule", "agp"], 64, "Channels are removed one-shot"),
    (["--channels", "--allocation", "sensitivity"], 64, "go together"),
    (["--channels", "--calib", "nowhere"], 66, "nowhere"),
    (["--channels", "--exclude", "nolayer*"], 64, "no layer fits"),
  ]) func whatIsWrongIsSaid(arguments: [String], status: Int32, text: String) throws {
    let run = try Binary.run(["prune", "--epochs", "0"] + arguments, in: folder.url)
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.contains(text), "\(run.errors)")
  }

  @Test(
    .enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)))
  func foldedNormalisationsAreNamed() throws {
    let model = SharedAssets.model("yolox_nano_416.onnx").path
    let run = try Binary.run(
      ["prune", model, "--method", "bn-gamma", "--output", "x.onnx"], in: folder.url)
    #expect(run.status == 65)
    #expect(run.errors.contains("--insert-batchnorm"), "\(run.errors)")
  }

  @Test func latenciesAreMeasuredAndMissedTargetsAreSaid() throws {
    let easy = try prune(
      "--channels", "--method", "l1", "--target-latency", "10000", "--output", "e.onnx")
    #expect(easy.status == 0, "\(easy.errors)")
    #expect(try easy.json()["isTargetMet"] as? Bool == true)
    #expect(try easy.json()["removedChannels"] as? Int == 0)
    let hard = try prune(
      "--channels", "--method", "l1", "--target-latency", "0.00001", "--output", "h.onnx")
    #expect(hard.status == 0 && hard.errors.contains("cannot be reached"), "\(hard.errors)")
    #expect(try hard.json()["isTargetMet"] as? Bool == false)
    #expect((try hard.json()["channelRatio"] as? Double ?? 0) > 0.7)
  }

  /// Without images the cut is proved on noise, and the user told what is left out.
  @Test func filesAloneAreCutToo() throws {
    let made = try prune(
      "--channels", "--method", "l1", "--channel-ratio", "0.1", "--output", "m.onnx")
    #expect(made.status == 0, "\(made.errors)")
    let run = try Binary.run(
      ["prune", "m.onnx", "--method", "l2", "--channel-ratio", "0.1", "--format", "json"],
      in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("give --calib"), "\(run.errors)")
    #expect(try run.json()["after"] != nil)
  }

  /// γ is pulled towards zero, channels go in rounds with training between, and the report shows
  /// all of it.
  @Test func slimmingTrainsCutsAndReports() throws {
    let run = try Binary.run(
      [
        "prune", "--method", "bn-gamma", "--sparsity-train", "1", "--lambda", "0.001", "--schedule",
        "iterative", "--prune-rounds", "2", "--epochs", "2", "--channel-ratio", "0.3",
        "--calib-count",
        "8", "--train-data", "scenes", "--data", "scenes", "--batch", "8", "--report", "report",
        "--no-timing",
        "--output",
        "slim.onnx", "--format", "json",
      ], in: try scenes())
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(json["epochs"] as? Int == 2)
    let layers = try String(decoding: data("report/channels.csv"), as: UTF8.self)
    #expect(layers.hasPrefix("layer,channels,removed,left,frozen"))
    let figure = try String(decoding: data("report/figures/scales.svg"), as: UTF8.self)
    #expect(figure.contains("when channels were chosen") && figure.contains("after"))
    #expect(
      try String(decoding: data("report/report.md"), as: UTF8.self).contains("Surgery proved"))
  }

  /// A few scenes to train on.
  private func scenes() throws -> URL {
    let made = try Binary.run(
      ["dataset", "synth", "--images", "16", "--output", "scenes"], in: folder.url)
    #expect(made.status == 0, "\(made.errors)")
    return folder.url
  }

  @Test func groupsAreListed() throws {
    let run = try Binary.run(["inspect", "--groups", "--format", "json"], in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let layers = try #require(json["layers"] as? [[String: Any]])
    #expect(layers.count > 40 && (json["groups"] as? Int ?? 0) > 1000)
    let frozen = layers.flatMap { $0["frozen"] as? [[String: Any]] ?? [] }
    #expect(frozen.allSatisfy { ($0["reason"] as? String) == "they reach a graph output" })
  }

  /// A file that is cut short is resumed, and ends as it would have.
  @Test func sensitivityGoesOnWhereItLeftOff() throws {
    let arguments = [
      "inspect", "--sensitivity", "s.json", "--fractions", "0.5", "--calib-count", "1", "--format",
      "json",
    ]
    let first = try Binary.run(arguments, in: folder.url)
    #expect(first.status == 0, "\(first.errors)")
    let whole = try data("s.json")
    var json = try #require(try JSONSerialization.jsonObject(with: whole) as? [String: Any])
    var curves = try #require(json["curves"] as? [[String: Any]])
    #expect(curves.count > 40)
    curves.removeLast(3)
    json["curves"] = curves
    try JSONSerialization.data(withJSONObject: json).write(
      to: folder.url.appending(path: "s.json"))
    let second = try Binary.run(arguments, in: folder.url)
    #expect(second.status == 0 && second.errors.contains("are taken from"), "\(second.errors)")
    #expect(try data("s.json") == whole)
    #expect(try String(decoding: data("s.svg"), as: UTF8.self).contains("</svg>"))
  }
}
