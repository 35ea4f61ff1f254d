import Formats
import Foundation
import TestSupport
import Testing

/// No verb replaces what it reads, under whatever name; what it may write is checked before it
/// works.
@Suite struct OutputGuardTests {
  let folder: TemporaryFolder
  private let model: Data

  init() throws {
    folder = try TemporaryFolder()
    model = try Data(contentsOf: try TinyDetector.write(to: folder.url))
    try TinyDetector.write(to: folder.url, as: "student.onnx")
    try TinyImages.write(to: folder.url)
    try Data("family: yolov8\nclasses: [class0, class1]\n".utf8).write(to: url("head.yaml"))
    try FileManager.default.createDirectory(at: url("sub"), withIntermediateDirectories: true)
    for (name, target) in [
      ("link.onnx", "tiny.onnx"), ("sub/up.onnx", "../link.onnx"), ("here", "."),
      ("settings.yaml", "head.yaml"), ("set.yaml", "data.yaml"),
    ] {
      try FileManager.default.createSymbolicLink(
        atPath: url(name).path, withDestinationPath: target)
    }
    try FileManager.default.linkItem(at: url("tiny.onnx"), to: url("hard.onnx"))
  }

  private func url(_ name: String) -> URL { folder.url.appending(path: name) }

  private func run(_ arguments: [String]) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  /// Every file with its bytes.
  private func content() throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    return names.reduce(into: [:]) { $0[$1] = try? Data(contentsOf: url($1)) }
  }

  private static let quantize = ["--calib", "images/val", "--max-damage", "inf"]
  private static let distill = [
    "distill", "--student", "student.onnx", "--teacher", "tiny.onnx", "--data", "data.yaml",
    "--epochs", "1",
  ]

  @Test(arguments: [
    ["prune", "tiny.onnx", "--method", "magnitude", "--output"],
    ["lowrank", "tiny.onnx", "--output"],
    ["quantize", "tiny.onnx", "--output"] + quantize, distill + ["--output"],
  ])
  func theModelIsReplacedUnderNoName(arguments: [String]) throws {
    let before = try content()
    let place = try #require(arguments.firstIndex(of: "--output"))
    for name in ["tiny.onnx", "link.onnx", "sub/up.onnx", "here/tiny.onnx", "sub/../hard.onnx"] {
      var words = arguments
      words.insert(name, at: place + 1)
      let outcome = try run(words)
      #expect(outcome.status == 64, "\(name): \(outcome.errors)")
      #expect(outcome.errors.contains(name) && outcome.errors.contains("itself"))
      #expect(outcome.errors.contains("--output"), "\(outcome.errors)")
    }
    #expect(try content() == before)
  }

  @Test(arguments: [
    distill + ["--output", "student.onnx"],
    ["prune", "tiny.onnx", "--method", "magnitude", "--plan-out", "link.onnx"],
    ["prune", "tiny.onnx", "--method", "magnitude", "--dry-run", "--plan-out", "hard.onnx"],
    [
      "prune", "tiny.onnx", "--method", "magnitude", "--data", "data.yaml", "--plan-out",
      "set.yaml",
    ],
    ["lowrank", "tiny.onnx", "--plan-out", "here/tiny.onnx"],
    ["quantize", "tiny.onnx", "--plan-out", "tiny.onnx"] + quantize,
    ["evaluate", "tiny.onnx", "--data", "data.yaml", "--save-detections", "set.yaml"],
    [
      "evaluate", "tiny.onnx", "--data", "data.yaml", "--head", "head.yaml", "--save-detections",
      "settings.yaml",
    ],
    ["detect", "tiny.onnx", "images/val", "--results", "link.onnx"],
    ["detect", "tiny.onnx", "images/val/0.png", "--results", "here/images/val/0.png"],
    ["inspect", "tiny.onnx", "--sensitivity", "link.onnx"],
  ])
  func noInputIsReplaced(arguments: [String]) throws {
    let before = try content()
    let outcome = try run(arguments)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(try content() == before)
  }

  /// Files that a verb goes on with are told by what is in them.
  @Test(arguments: [
    ["quantize", "tiny.onnx", "--calib-state", "head.yaml"] + quantize,
    ["inspect", "tiny.onnx", "--sensitivity", "head.yaml"],
    [
      "lowrank", "tiny.onnx", "--target-macs", "0.7", "--allocation", "sensitivity",
      "--sensitivity", "head.yaml", "--calib", "images/val", "--gain", "macs",
    ],
    [
      "distill", "--teacher", "tiny.onnx", "--student", "tiny.onnx", "--train-data", "images/val",
      "--label-weight", "0", "--epochs", "1", "--cache", "student.onnx",
    ],
  ])
  func whatIsNoStateIsNotWrittenOver(arguments: [String]) throws {
    let before = try content()
    let outcome = try run(arguments)
    #expect(outcome.status == 65, "\(outcome.errors)")
    let file = try #require(arguments.first { ["head.yaml", "student.onnx"].contains($0) })
    #expect(outcome.errors.contains(file), "\(outcome.errors)")
    #expect(try content() == before)
  }

  @Test func theControlReplacesNoModel() throws {
    try FileManager.default.copyItem(at: url("tiny.onnx"), to: url("x-control.onnx"))
    let before = try content()
    let outcome = try run(
      [
        "distill", "--teacher", "x-control.onnx", "--student", "tiny.onnx", "--data", "data.yaml",
        "--epochs", "1", "--control", "--output", "x.onnx",
      ])
    #expect(outcome.status == 64 && outcome.errors.contains("the teacher itself"))
    #expect(try content() == before)
  }

  @Test func twoResultsDoNotShareAName() throws {
    let outcome = try run([
      "prune", "tiny.onnx", "--method", "magnitude", "--output", "x.onnx", "--plan-out", "./x.onnx",
    ])
    #expect(outcome.status == 64 && outcome.errors.contains("--output and --plan-out"))
  }

  /// A run that begins again in the folder its model lies in would write over it.
  @Test func trainingDoesNotReplaceItsModel() throws {
    try FileManager.default.copyItem(at: url("tiny.onnx"), to: url("sub/best.onnx"))
    let outcome = try run(
      [
        "train", "sub/best.onnx", "--data", "data.yaml", "--val-data", "data.yaml", "--loss",
        "match", "--epochs", "1", "--output", "sub", "--force",
      ])
    #expect(outcome.status == 64 && outcome.errors.contains("sub/best.onnx"), "\(outcome.errors)")
    #expect(try Data(contentsOf: url("sub/best.onnx")) == model)
  }

  @Test func aRecipeDoesNotReplaceItsModel() throws {
    try FileManager.default.copyItem(at: url("tiny.onnx"), to: url("sub/01-prune.onnx"))
    let recipe = "model: sub/01-prune.onnx\nwork: sub\nsteps: [prune]\n"
    try Data(recipe.utf8).write(to: url("recipe.yaml"))
    let outcome = try run(["run", "recipe.yaml", "--no-timing"])
    #expect(outcome.status == 64 && outcome.errors.contains("01-prune.onnx"), "\(outcome.errors)")
    #expect(try Data(contentsOf: url("sub/01-prune.onnx")) == model)
  }

  @Test func aPackIsNotPackedOntoItself() throws {
    #expect(try run(["dataset", "pack", "data.yaml", "--output", "set.h5"]).status == 0)
    let pack = try Data(contentsOf: url("set.h5"))
    let outcome = try run(["dataset", "pack", "set.h5", "--output", "here/set.h5"])
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(try Data(contentsOf: url("set.h5")) == pack)
  }

  @Test func scenesDoNotReplaceOtherLabels() throws {
    let labels = """
      {"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}],
       "annotations": [], "categories": []}
      """
    try Data(labels.utf8).write(to: url("sub/annotations.json"))
    let synth = ["dataset", "synth", "--images", "1", "--imgsz", "32", "--output"]
    let outcome = try run(synth + ["sub"])
    #expect(outcome.status == 64 && outcome.errors.contains("other images"), "\(outcome.errors)")
    #expect(try Data(contentsOf: url("sub/annotations.json")) == Data(labels.utf8))
    for _ in 0..<2 { #expect(try run(synth + ["scenes"]).status == 0) }
  }

  @Test func aReportMayLieBesideModelAndData() throws {
    let before = try content()
    let outcome = try run(
      ["report", "tiny.onnx", "--data", "data.yaml", "--output", ".", "--no-timing"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let after = try content()
    #expect(before.allSatisfy { after[$0.key] == $0.value })
    #expect(after["report.md"] != nil)
    // A file of its name that is read is not replaced.
    try FileManager.default.copyItem(at: url("head.yaml"), to: url("sub/report.md"))
    let second = try run(
      [
        "report", "tiny.onnx", "--data", "data.yaml", "--head", "sub/report.md", "--output", "sub",
        "--no-timing",
      ])
    #expect(second.status == 64, "\(second.errors)")
    #expect(try Data(contentsOf: url("sub/report.md")) == before["head.yaml"])
  }

  // MARK: Converting in place

  @Test func convertingInPlaceKeepsLinksAndModes() throws {
    #expect(chmod(url("tiny.onnx").path, 0o640) == 0)
    let graph = try ModelFile.load(url("tiny.onnx"))
    for output in ["tiny.onnx", "link.onnx"] {
      let outcome = try run(["convert", "tiny.onnx", "--output", output, "--external-data"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try graph.firstDifference(from: ModelFile.load(url("tiny.onnx"))) == nil)
      var status = stat()
      #expect(stat(url("tiny.onnx").path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: url("link.onnx").path)
        == "tiny.onnx")
    try FileManager.default.createSymbolicLink(
      atPath: url("link.h5").path, withDestinationPath: "tiny.onnx")
    let outcome = try run(["convert", "tiny.onnx", "--output", "link.h5"])
    #expect(outcome.status == 64 && outcome.errors.contains("another format"))
    #expect(try graph.firstDifference(from: ModelFile.load(url("tiny.onnx"))) == nil)
  }

  // MARK: What cannot be written

  @Test(arguments: ["sub", "/dev/null", "/dev/stdout", "pipe", "tiny.onnx/x.onnx"])
  func whatCannotBeWrittenIsSaidBeforeTheWork(output: String) throws {
    #expect(mkfifo(url("pipe").path, 0o600) == 0)
    let before = try content()
    for arguments in [
      ["prune", "tiny.onnx", "--method", "magnitude", "--data", "data.yaml", "--output", output],
      ["quantize", "tiny.onnx", "--output", output] + Self.quantize,
      ["evaluate", "tiny.onnx", "--data", "data.yaml", "--save-detections", output],
      ["detect", "tiny.onnx", "images/val", "--results", output],
      ["prune", "tiny.onnx", "--method", "magnitude", "--dry-run", "--plan-out", output],
    ] {
      let outcome = try run(arguments)
      #expect(outcome.status == 74, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains(output) && outcome.output.isEmpty, "\(outcome.errors)")
    }
    #expect(try content() == before)
  }

  @Test func aLinkToNowhereIsFilled() throws {
    try FileManager.default.createSymbolicLink(
      atPath: url("new.onnx").path, withDestinationPath: "made/model.onnx")
    let outcome = try run(["prune", "tiny.onnx", "--method", "magnitude", "--output", "new.onnx"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try ModelFile.load(url("made/model.onnx")).nodes.count > 0)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: url("new.onnx").path)
        == "made/model.onnx")
  }
}
