import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// `compress distill` on the embedded detector.
@Suite struct DistillCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func distill(_ arguments: String...) throws -> Binary.Outcome {
    let data = try FewScenes.data(unless: arguments)
    return try Binary.run(
      ["distill", "--format", "json", "--quiet"] + data + arguments, in: folder.url)
  }

  private func ap(_ json: [String: Any], _ name: String) throws -> Double {
    let evidence = try #require(json[name] as? [String: Any])
    let accuracy = try #require(evidence["accuracy"] as? [String: Any])
    return try #require(accuracy["AP"] as? Double)
  }

  @Test func aDryRunSaysWhoLearnsWhatFromWhom() throws {
    let run = try distill("--dry-run", "--loss", "kd=2:temperature=3,cwd")
    #expect(run.status == 0, "\(run.errors)")
    let plan = try #require(try run.json()["plan"] as? [String: Any])
    let losses = try #require(plan["losses"] as? [[String: Any]])
    #expect(losses.map { $0["loss"] as? String } == ["kd", "cwd"])
    let points = try #require(plan["points"] as? [[String: Any]])
    #expect(points.map { $0["stride"] as? Int } == [8, 16, 32])
    #expect(plan["student"] as? String == "yolov8n × 0.25, new")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  /// A pruned detector recovers better with its teacher than on few labels alone, and keeps its
  /// zeros.
  @Test func aPrunedStudentKeepsItsZerosAndGainsByItsTeacher() throws {
    let pruned = try Binary.run(
      [
        "prune", "--method", "magnitude", "--sparsity", "0.8", "--epochs", "0", "--quiet",
        "--output", "pruned.onnx",
        "--data", FewScenes.path,
      ],
      in: folder.url)
    #expect(pruned.status == 0, "\(pruned.errors)")
    let run = try distill(
      "--student", "pruned.onnx", "--loss", "kd,ld,cwd", "--train-data", try FewScenes.more,
      "--epochs", "2", "--validate-every", "2", "--batch", "8", "--control", "--output",
      "taught.onnx", "--report", "report",
      "--no-timing")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let (before, after, control) = (
      try ap(json, "studentBefore"), try ap(json, "after"), try ap(json, "control")
    )
    #expect(after > before && after > control, "\(before) → \(after), control \(control)")
    let graph = try ModelFile.load(folder.url.appending(path: "taught.onnx"))
    let start = try ModelFile.load(folder.url.appending(path: "pruned.onnx"))
    #expect(graph.nodes == start.nodes && graph.outputs == start.outputs)
    #expect(graph.initializers.keys == start.initializers.keys)
    for (name, old) in start.initializers where old.tensor.elementType == .float32 {
      let zeros = old.tensor.floats.count { $0 == 0 }
      guard zeros > 1, old.tensor.shape.count == 4 else { continue }
      #expect(graph.initializers[name]?.tensor.floats.count { $0 == 0 } == zeros, "\(name)")
    }
    #expect(graph.properties.metadata["compress.distill"]?.contains("cwd=1.0") == true)
    for file in ["taught-control.onnx", "report/report.md", "report/history.csv"] {
      #expect(FileManager.default.fileExists(atPath: folder.url.appending(path: file).path))
    }
  }

  @Test func anyLossTeachesWithoutLabelsAndThreadsDoNotMatter() throws {
    let all =
      "kd,ld,tsd,eskd,at,fsp,nst,nst-linear,nst-gaussian,ft,cwd,pkd,mgd,fgd,rkd,irg,adversarial,"
      + "adversarial-output"
    for threads in ["1", "2"] {
      let run = try distill(
        "--width", "0.25", "--loss", all, "--label-weight", "0", "--train-data",
        try FewScenes.learning, "--batch", "4", "--epochs", "1", "--threads", threads, "--output",
        "s\(threads).onnx")
      #expect(run.status == 0, "\(run.errors)")
    }
    let files = try ["s1.onnx", "s2.onnx"].map {
      try Data(contentsOf: folder.url.appending(path: $0))
    }
    #expect(files[0] == files[1])
  }

  @Test func theCacheGivesTheSameStudent() throws {
    func run(_ output: String) throws -> [String: Any] {
      let run = try distill(
        "--width", "0.25", "--loss", "kd,cwd", "--train-data", try FewScenes.learning, "--batch",
        "4",
        "--epochs", "1", "--cache", "teacher.h5", "--output", output)
      #expect(run.status == 0, "\(run.errors)")
      return try run.json()
    }
    #expect(try run("a.onnx")["cacheHits"] as? Int == 0)
    #expect(try run("b.onnx")["cacheHits"] as? Int == 16)
    let files = try ["a.onnx", "b.onnx"].map {
      try Data(contentsOf: folder.url.appending(path: $0))
    }
    #expect(files[0] == files[1])
    let other = try distill(
      "--width", "0.25", "--loss", "kd", "--train-data", try FewScenes.learning, "--batch", "4",
      "--epochs", "1", "--cache", "teacher.h5")
    #expect(other.status == 65 && other.errors.contains("another teacher or layer"))
  }

  @Test func headsThatCannotBeComparedTeachByBoxes() throws {
    for (labels, output) in [("0", "alone.onnx"), ("1", "both.onnx")] {
      let run = try distill(
        "--arch", "yolov5n", "--width", "0.25", "--label-weight", labels, "--train-data",
        try FewScenes.learning, "--batch", "4", "--epochs", "1", "--output", output)
      #expect(run.status == 0, "\(run.errors)")
      #expect("\(try run.json())".contains("boxes"))
    }
    let compared = try distill(
      "--arch", "yolov5n", "--width", "0.25", "--loss", "kd", "--train-data",
      try FewScenes.learning, "--batch", "4", "--epochs", "1", "--output", "kd.onnx")
    #expect(compared.status == 65 && compared.errors.contains("take the loss boxes"))
  }

  @Test func whatCannotBeTaughtIsExplained() throws {
    let cases: [([String], Int32, String)] = [
      (["--loss", "nonsense"], 64, "no loss is called 'nonsense'"),
      (["--loss", "kd:warmth=1"], 64, "temperature, foreground, background"),
      (["--epochs", "0"], 64, "at least 1"),
      (["--student", "a.onnx", "--width", "0.5"], 64, "not both"),
      (["--loss", "at", "--layers", "x=y", "--dry-run"], 64, "'x' is no feature point"),
      (["--layers", "x"], 64, "teacher=student"),
      (["--student", "missing.onnx"], 66, "missing.onnx"),
      (["--teacher", "missing.onnx"], 64, "--epochs"),
      (
        [
          "--min-map", "0.99", "--data", try FewScenes.learning, "--train-data",
          try FewScenes.learning, "--batch", "4", "--epochs", "1",
        ], 3, "below --min-map"
      ),
    ]
    for (arguments, status, reason) in cases {
      let run = try Binary.run(["distill"] + arguments, in: folder.url)
      #expect(run.status == status, "\(arguments): \(run.errors)")
      #expect(run.errors.contains(reason), "\(arguments): \(run.errors)")
    }
  }

  /// Weights of 3 bits are trained with fake quantisation; what the file holds otherwise is what it
  /// held.
  @Test func aQuantisedStudentLearnsAndStaysOne() throws {
    let quantized = try Binary.run(
      [
        "quantize", "--calib-count", "8", "--weight-bits", "3", "--max-damage", "inf", "--quiet",
        "--data", FewScenes.path,
        "--output", "int3.onnx",
      ], in: folder.url)
    #expect(quantized.status == 0, "\(quantized.errors)")
    let run = try distill(
      "--student", "int3.onnx", "--loss", "kd,ld", "--label-weight", "0", "--train-data",
      try FewScenes.more, "--validate-every", "3", "--epochs", "3", "--batch", "4", "--lr", "0.001",
      "--output",
      "taught.onnx")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(try ap(json, "after") > ap(json, "studentBefore") + 0.01)
    let (before, after) = (
      try ModelFile.load(folder.url.appending(path: "int3.onnx")),
      try ModelFile.load(folder.url.appending(path: "taught.onnx"))
    )
    #expect(before.nodes == after.nodes)
    #expect(
      before.initializers.mapValues(\.tensor.type) == after.initializers.mapValues(\.tensor.type))
    #expect(before.initializers.mapValues(\.tensor) != after.initializers.mapValues(\.tensor))
  }
}
