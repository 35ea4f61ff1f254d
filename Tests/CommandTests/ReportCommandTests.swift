import Foundation
import ObjectDetection
import TestSupport
import Testing

@Suite struct ReportCommandTests {
  let folder: TemporaryFolder
  static let files = [
    "changes.csv", "classes.csv", "figures", "layers.csv", "manifest.json", "report.csv",
    "report.html", "report.json", "report.md", "report.tex",
  ]

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
  }

  func run(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(arguments + ["--threads", "1"], in: folder.url)
  }

  func text(_ path: String) throws -> String {
    try String(contentsOf: folder.url.appending(path: path), encoding: .utf8)
  }

  @Test func pruningFillsTheFolder() throws {
    let run = try run(
      "prune", "tiny.onnx", "--method", "magnitude", "--data", "data.yaml", "--report", "out")
    #expect(run.status == 0, "\(run.errors)")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "out").path)
    #expect(names.sorted() == Self.files)
    let report = try text("out/report.md")
    for part in [
      "| quantity", "tiny-pruned.onnx", "mAP (AP .50:.95)", "latency, median (ms)", "peak memory",
      "FLOPs (2 × MACs)", "## Classes", "## Layers", "## Provenance", "class0",
      "compress prune tiny.onnx --method magnitude --data data.yaml --report out --threads 1",
    ] { #expect(report.contains(part), "\(part)") }
    let manifest = try #require(
      try JSONSerialization.jsonObject(with: Data(try text("out/manifest.json").utf8))
        as? [String: Any])
    #expect(
      Set(manifest.keys)
        == [
          "schemaVersion", "version", "command", "seed", "threads", "cpu", "system", "data",
          "models", "steps",
        ])
  }

  @Test func memoryAndTimeAreMeasuredForEachModel() throws {
    #expect(try run("report", "tiny.onnx", "tiny.onnx", "--output", "out").status == 0)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(try text("out/report.json").utf8))
        as? [String: Any])
    for model in try #require(json["models"] as? [[String: Any]]) {
      let measured = try #require(model["measured"] as? [String: Double])
      #expect((measured["latencyMedian"] ?? 0) > 0)
      #expect((measured["latencyP90"] ?? 0) >= (measured["latencyMedian"] ?? 1))
      #expect((measured["peakMemoryBytes"] ?? 0) > 1_000_000)
    }
  }

  @Test func withoutTimesTheSameInputsGiveTheSameBytes() throws {
    func files() throws -> [String] {
      let run = try run(
        "prune", "tiny.onnx", "--method", "magnitude", "--data", "data.yaml", "--report", "out",
        "--no-timing")
      #expect(run.status == 0)
      let figures = ["accuracy-size", "accuracy-macs", "precision-recall", "layers"].flatMap {
        ["figures/\($0).svg", "figures/\($0).pdf"]
      }
      return try (Self.files.filter { $0 != "figures" } + figures).map {
        String(
          decoding: try Data(contentsOf: folder.url.appending(path: "out/\($0)")), as: UTF8.self)
      }
    }
    #expect(try files() == files())
  }

  @Test func onlyMarkedColumnsVary() throws {
    func rows() throws -> [[String]] {
      #expect(try run("report", "tiny.onnx", "--output", "out").status == 0)
      let lines = try text("out/report.csv").components(separatedBy: "\r\n").dropLast()
        .map { $0.components(separatedBy: ",") }
      let kept = lines[0].indices.filter { !lines[0][$0].hasSuffix("*") }
      #expect(lines[0].count - kept.count == 4)
      return lines.map { line in kept.map { line[$0] } }
    }
    #expect(try rows() == rows())
  }

  @Test func modelsOfTheSameFileNameStayApart() throws {
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "other"), withIntermediateDirectories: true)
    try TinyDetector.write(to: folder.url.appending(path: "other")) {
      $0 = TinyDetector.graph(seed: 2)
    }
    let run = try run(
      "report", "tiny.onnx", "other/tiny.onnx", "tiny.onnx", "--no-timing", "--output", "out",
      "--format", "json")
    let models = try #require(try run.json()["models"] as? [[String: Any]])
    let names = models.compactMap { $0["name"] as? String }
    #expect(Set(names).count == 3)
    #expect(names[1] == "other/tiny.onnx")
    #expect(names[2] == names[0] + " #2")
  }

  @Test func differingSettingsAreWarnedOf() throws {
    let head = HeadConfiguration(
      family: "yolov8", classes: ["class0", "class1"], strides: [8, 16, 32],
      preprocessing: Preprocessing(order: .bgr))
    let settings = String(decoding: try JSONEncoder().encode(head), as: UTF8.self)
    try TinyDetector.write(to: folder.url, as: "bgr.onnx") {
      $0.properties.metadata["compress.head"] = settings
    }
    let run = try run(
      "report", "tiny.onnx", "bgr.onnx", "--data", "data.yaml", "--no-timing", "--output", "out")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("bgr.onnx is scored under other settings than tiny.onnx"))
    #expect(try text("out/report.md").contains("> **Note.** bgr.onnx is scored"))
  }

  /// The interval holds the score, and a model does not differ from itself.
  @Test func scoresHaveIntervalsAndATest() throws {
    let run = try run(
      "report", "tiny.onnx", "tiny.onnx", "--data", "data.yaml", "--no-timing", "--output", "out",
      "--format", "json")
    let json = try run.json()
    for model in try #require(json["models"] as? [[String: Any]]) {
      let ends = try #require(model["apInterval"] as? [String: Double])
      let ap = try #require((model["accuracy"] as? [String: Double])?["AP"])
      #expect(try #require(ends["low"]) <= ap && ap <= #require(ends["high"]))
      let deployed = try #require(model["deployed"] as? [String: Double])
      #expect(deployed["confidence"] == 0.25)
      #expect(deployed["recall"] == deployed["falseNegativeRate"].map { 1 - $0 })
    }
    let test = try #require((json["tests"] as? [[String: Any]])?.first)
    #expect(test["isWithinNoise"] as? Bool == true && test["difference"] as? Double == 0)
    #expect(try text("out/report.md").contains("within noise"))
  }

  @Test func imagesLearntFromAndScoredAreWarnedOf() throws {
    let run = try run(
      "report", "tiny.onnx", "--data", "data.yaml", "--calib", "images/val", "--no-timing",
      "--output", "out")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("to calibrate with is also scored on"), "\(run.errors)")
    #expect(try text("out/report.md").contains("the score flatters the model"))
  }
}
