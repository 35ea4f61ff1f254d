import Foundation
import TestSupport
import Testing

/// Files that decode their boxes, trained, pruned and distilled through the command line.
@Suite struct DecodedHeadCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  private static func golden(_ name: String) -> String {
    SharedAssets.package.appending(path: "Tests/Goldens/Heads/\(name).onnx").path
  }

  /// Gives a small network the classes of the scenes and trains it.
  private func trained(_ name: String) throws -> String {
    let run = try run(
      "train", Self.golden(name), "--data", try FewScenes.learning, "--holdout", "0", "--classes",
      "auto", "--epochs", "3", "--batch", "4", "--lr", "0.01", "--optimizer", "adamw", "--augment",
      "none", "--ema", "0", "--output", name)
    #expect(run.status == 0, "\(run.errors)")
    return "\(name)/last.onnx"
  }

  private func losses(_ folder: String) throws -> [Double] {
    let file = self.folder.url.appending(path: "\(folder)/history.csv")
    let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\r\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let parts = rows[0].indices.filter { rows[0][$0].hasPrefix("loss/") }
    return rows.dropFirst().map { row in parts.reduce(0) { $0 + (Double(row[$1]) ?? .nan) } }
  }

  @Test(arguments: [
    "yolov5-decoded", "darknet-decoded", "yolov8-decoded", "yolox", "nanodet", "fastestdet",
    "ssd-decoded",
  ])
  func aHeadLearnsOtherClasses(name: String) throws {
    let model = try trained(name)
    let losses = try losses(name)
    #expect(losses.count == 3 && losses[2] < losses[0], "\(losses)")
    let score = try run("evaluate", model, "--data", try FewScenes.learning, "--format", "json")
    #expect(score.status == 0, "\(score.errors)")
    let inspected = try run("inspect", model, "--format", "json").json()
    let head = try #require(inspected["head"] as? [String: Any])
    #expect(head["classes"] as? Int == 8 && head["loss"] is String)
  }

  @Test func gradientsChooseTheWeightsOfADecodedHead() throws {
    let model = try trained("yolov5-decoded")
    let pruned = try run(
      "prune", model, "--method", "taylor", "--include-ends", "--epochs", "0", "--batch", "4",
      "--sparsity", "0.3",
      "--data", try FewScenes.learning, "--train-data", try FewScenes.learning, "--output",
      "p.onnx", "--format", "json")
    #expect(pruned.status == 0, "\(pruned.errors)")
  }

  /// Heads, formulas and anchors differ; with labels and without.
  @Test(arguments: [("yolov5-decoded", "fastestdet"), ("yolox", "darknet-decoded")])
  func anyHeadTeachesAnyOther(teacher: String, student: String) throws {
    let models = try [teacher, student].map { try trained($0) }
    for weight in ["0", "1"] {
      let run = try run(
        "distill", "--teacher", models[0], "--student", models[1], "--label-weight", weight,
        "--data", try FewScenes.learning, "--train-data", try FewScenes.learning, "--batch", "4",
        "--epochs", "1", "--output", "taught\(weight).onnx", "--format", "json", "--quiet")
      #expect(run.status == 0, "\(run.errors)")
      #expect("\(try run.json())".contains("boxes"))
    }
  }

  @Test func inspectNamesTheHeadAndWhy() throws {
    let face = try run("inspect", Self.golden("scrfd"), "--summary")
    #expect(face.output.contains("described, 1 class, no loss") && face.output.contains("SCRFD"))
    let anchors = try run("inspect", Self.golden("darknet-decoded"), "--format", "json").json()
    let head = try #require(anchors["head"] as? [String: Any])
    let first = (head["anchors"] as? [[[Double]]])?.first
    #expect(first == [[12, 18], [37, 49], [52, 40]])
  }

  @Test func anUnknownHeadIsAnsweredWithAFile() throws {
    let unknown = try run(
      "evaluate", Self.golden("ssd-anchor-output"), "--data", try FewScenes.learning)
    #expect(unknown.status == 65 || unknown.status == 64, "\(unknown.status)")
    #expect(unknown.errors.contains("family: described"))
    #expect(unknown.errors.contains("{output: 'anchors', axes: [boxes, fields], fields: [box]}"))
  }
}
