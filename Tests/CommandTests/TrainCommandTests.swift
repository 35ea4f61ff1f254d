import Foundation
import TestSupport
import Testing

/// Training through the command line, on a few small synthetic scenes.
@Suite struct TrainCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let made = try run(
      "dataset", "synth", "--output", "scenes", "--images", "8", "--imgsz", "96", "--first", "0")
    try #require(made.status == 0, "\(made.errors)")
  }

  private func run(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: path))
  }

  /// What every run here has in common.
  private static let small = [
    "train", "--arch", "yolov8n", "--width", "0.25", "--imgsz", "96", "--data", "scenes",
    "--val-data", "scenes", "--batch", "4", "--augment", "light", "--seed", "3",
  ]

  private func train(_ output: String, _ more: String...) throws -> Binary.Outcome {
    try Binary.run(Self.small + ["--output", output] + more, in: folder.url)
  }

  @Test func aRunFillsItsFolderAndSaysWhatCameOut() throws {
    let outcome = try train("run", "--epochs", "2", "--format", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let result = try outcome.json()
    #expect(result["end"] as? String == "completed")
    #expect(result["steps"] as? Int == 4)
    #expect((result["history"] as? [Any])?.count == 2)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "run").path)
    #expect(
      Set(files) == [
        "best.onnx", "last.onnx", "start.onnx", "checkpoint.onnx", "history.csv", "curve.svg",
        "curve.pdf",
        "run.json",
      ])
    let rows = String(decoding: try bytes("run/history.csv"), as: UTF8.self).split(
      separator: "\r\n")
    #expect(rows.count == 3 && rows[0].hasPrefix("epoch,step,learningRate,loss/box"))
    let score = try run("evaluate", "run/last.onnx", "--data", "scenes", "--format", "json")
    #expect(score.status == 0, "\(score.errors)")
  }

  @Test func theModelDoesNotDependOnTheThreads() throws {
    #expect(try train("one", "--epochs", "1", "--threads", "1").status == 0)
    #expect(try train("three", "--epochs", "1", "--threads", "3").status == 0)
    #expect(try bytes("one/last.onnx") == bytes("three/last.onnx"))
  }

  @Test func anInterruptedRunResumesToTheSameModel() throws {
    #expect(try train("whole", "--epochs", "6").status == 0)
    let command = try RunningCommand(
      Self.small + ["--output", "broken", "--epochs", "6"], in: folder.url)
    try command.waitForText(" 2/6")
    command.process.interrupt()
    #expect(command.allEnd())
    #expect(command.process.terminationStatus == 130)
    #expect(command.text.contains("compress train --resume broken"), "\(command.text)")
    let resumed = try run("train", "--resume", "broken")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try bytes("broken/last.onnx") == bytes("whole/last.onnx"))
    #expect(try bytes("broken/best.onnx") == bytes("whole/best.onnx"))
  }

  @Test func aFinishedRunSaysThatItIsFinished() throws {
    #expect(try train("run", "--epochs", "1").status == 0)
    let before = try bytes("run/last.onnx")
    let resumed = try run("train", "--resume", "run")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(
      resumed.output.hasPrefix(
        "The run in run was finished before; nothing was left to train.\nTrained 1 epochs"),
      "\(resumed.output)")
    #expect(try bytes("run/last.onnx") == before)
    let result = try run("train", "--resume", "run", "--format", "json").json()
    #expect(result["wasFinished"] as? Bool == true)
  }

  @Test func eightImagesAreLearntByHeart() throws {
    _ = try run(
      "dataset", "synth", "--output", "eight", "--images", "8", "--imgsz", "96", "--seed", "5")
    let outcome = try Binary.run(
      [
        "train", "--arch", "yolov8n", "--width", "0.25", "--imgsz", "96", "--data", "eight",
        "--val-data", "eight", "--batch", "8", "--augment", "none", "--epochs", "150",
        "--optimizer", "adamw", "--lr", "0.01", "--ema", "0", "--validate-every", "150",
        "--output", "heart", "--min-map", "0.4",
      ], in: folder.url)
    #expect(outcome.status == 0, "\(outcome.errors.suffix(600))")
  }

  @Test func aFolderWithARunIsNotOverwritten() throws {
    #expect(try train("run", "--epochs", "1").status == 0)
    let again = try train("run", "--epochs", "1")
    #expect(again.status == 64)
    #expect(again.errors.contains("holds a run already"))
    #expect(try train("run", "--epochs", "1", "--force").status == 0)
  }

  /// Decoded outputs hold boxes in pixels, beside which scores would not count.
  @Test func withoutLabelsTheRawMapsOfTheHeadAreMatched() throws {
    #expect(try train("run", "--epochs", "1").status == 0)
    let tuned = try run(
      "train", "run/last.onnx", "--data", "scenes", "--loss", "match", "--epochs", "1", "--batch",
      "4", "--output", "tuned")
    #expect(tuned.status == 0, "\(tuned.errors)")
    let rows = String(decoding: try bytes("tuned/history.csv"), as: UTF8.self)
    #expect(rows.contains("loss/classes,loss/boxes"), "\(rows.prefix(100))")
  }

  @Test func aDryRunWritesNothing() throws {
    let outcome = try train("dry", "--epochs", "1", "--dry-run")
    #expect(outcome.status == 0)
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "dry").path))
  }

  @Test func aLossThatExplodesEndsWithStatus3() throws {
    let outcome = try train(
      "boom", "--epochs", "2", "--lr", "1e30", "--clip", "0", "--warmup", "0")
    #expect(outcome.status == 3)
    #expect(outcome.output.contains("no longer finite"))
  }

  @Test func pruningTrainsOnWithExactZeros() throws {
    #expect(try train("run", "--epochs", "1").status == 0)
    for method in ["magnitude", "movement"] {
      let outcome = try run(
        "prune", "run/last.onnx", "--method", method, "--schedule", "agp", "--epochs", "3",
        "--prune-every", "1", "--batch", "4", "--sparsity", "0.8", "--data", "scenes",
        "--train-data", "scenes", "--output", "\(method).onnx", "--report", "report-\(method)",
        "--no-timing", "--format", "json")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let result = try outcome.json()
      let (zeros, prunable) = (result["zeros"] as? Double ?? 0, result["prunable"] as? Double ?? 1)
      #expect(zeros == (0.8 * prunable).rounded())
      #expect(result["epochs"] as? Int == 3)
      #expect(!(try bytes("report-\(method)/curve.svg")).isEmpty)
    }
  }

  @Test func gradientsAloneCanChooseTheWeights() throws {
    #expect(try train("run", "--epochs", "1").status == 0)
    let outcome = try run(
      "prune", "run/last.onnx", "--method", "taylor", "--epochs", "0", "--batch", "4",
      "--sparsity", "0.3", "--data", "scenes", "--train-data", "scenes", "--output", "p.onnx",
      "--format", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let compared = try run("compare", "run/last.onnx", "p.onnx", "--format", "json")
    #expect(compared.status == 0)
    #expect(try outcome.json()["epochs"] == nil)
  }

  @Test func packsTakeThePlaceOfFolders() throws {
    let packed = try run("dataset", "pack", "scenes", "--output", "scenes.h5")
    #expect(packed.status == 0, "\(packed.errors)")
    let folder = try run("dataset", "info", "scenes", "--format", "json").json()
    let pack = try run("dataset", "info", "scenes.h5", "--format", "json").json()
    for key in ["images", "boxes", "small", "medium", "large"] {
      #expect(folder[key] as? Int == pack[key] as? Int, "\(key)")
    }
    #expect(try train("run", "--epochs", "1").status == 0)
    let scores = try ["scenes", "scenes.h5"].map {
      try run("evaluate", "run/last.onnx", "--data", $0, "--format", "json").json()["summary"]
        as? [String: Double]
    }
    #expect(scores[0] != nil && scores[0] == scores[1])
  }

  @Test(
    arguments: [
      (["train", "m.onnx", "--arch", "yolov8n"], "not both"),
      (["train", "--arch", "resnet"], "--arch takes yolov5-lite"),
      (["train", "m.onnx", "--width", "0.5"], "are for --arch"),
      (["train", "--arch", "yolov8n", "--imgsz", "100"], "multiple of 32"),
      (["train", "--arch", "yolov8n", "--optimizer", "lion"], "--optimizer takes sgd or adamw"),
      (["train", "--arch", "yolov8n", "--lr-schedule", "none"], "--lr-schedule takes cosine"),
      (["train", "--arch", "yolov8n", "--epochs", "0"], "--epochs must be at least 1"),
      (["train", "--arch", "yolov8n", "--augment", "wild"], "--augment takes none, light"),
      (["train", "--resume", "x", "--data", "y"], "takes everything from its folder"),
      (["prune", "--schedule", "agp", "--epochs", "0"], "need --epochs of training"),
      (["prune", "m.onnx", "--epochs", "2"], "Training needs images"),
      (["prune", "--prune-span", "0.1,0.2"], "are for --schedule agp"),
      (["dataset", "pack", "scenes", "--output", "x.zip"], "must end in .h5"),
    ])
  func wrongUsageIs64(arguments: [String], message: String) throws {
    let outcome = try Binary.run(arguments, in: folder.url)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test func whatIsMissingIsNamed() throws {
    #expect(try run("train", "--resume", "nowhere").status == 66)
    let bare = try run("train", "--arch", "yolov8n", "--data", "nowhere")
    #expect(bare.status == 66 && bare.errors.contains("nowhere"))
    let none = try run("dataset", "info", "run.h5")
    #expect(none.status == 66)
  }
}
