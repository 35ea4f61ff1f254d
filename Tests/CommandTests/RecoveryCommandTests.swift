import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// `--recover` of every verb that has it.
@Suite struct RecoveryCommandTests {
  let folder: TemporaryFolder
  private let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path

  init() throws { folder = try TemporaryFolder() }

  private func run(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(words, in: folder.url)
  }

  /// The weights of convolutions that are not zero.
  private func weights(_ file: String) throws -> Int {
    let graph = try ModelFile.load(folder.url.appending(path: file))
    return graph.initializers.values.filter { $0.tensor.shape.count == 4 }.reduce(0) {
      $0 + $1.tensor.floats.count { $0 != 0 }
    }
  }

  @Test(arguments: [
    ["prune", "--method", "magnitude", "--sparsity", "0.6"],
    ["prune", "--method", "l1", "--sparsity", "0.3", "--calib-count", "4"],
    ["lowrank", "--target-macs", "0.8", "--gain", "macs", "--calib-count", "4"],
  ])
  func theResultAnswersMoreLikeTheModel(words: [String]) throws {
    let images = ["--calib", try FewScenes.learning]
    let method =
      [words[0], model] + words.dropFirst() + (words.contains("magnitude") ? [] : images)
    let plain = try run(method + ["--output", "plain.onnx"])
    #expect(plain.status == 0, "\(plain.errors)")
    let recovery = ["--recover", try FewScenes.learning, "--recover-steps", "10", "--batch", "4"]
    let recovered = try run(method + recovery + ["--output", "again.onnx", "--format", "json"])
    #expect(recovered.status == 0, "\(recovered.errors)")
    let log = try #require(try recovered.json()["recovery"] as? [String: Any])
    let (before, after) = (
      try #require(log["distanceBefore"] as? Double), try #require(log["distanceAfter"] as? Double)
    )
    #expect(after < before)
    #expect(log["images"] as? Int == 12 && log["heldBack"] as? Int == 4)
    #expect((log["steps"] as? Int ?? 0) >= 4)
    #expect(try recovered.json()["verification"] != nil)
    // Zeros and structure stay.
    #expect(try weights("again.onnx") == weights("plain.onnx"))
    let nodes = try ["plain.onnx", "again.onnx"].map {
      try ModelFile.load(folder.url.appending(path: $0)).nodes
    }
    #expect(nodes[0] == nodes[1])
  }

  @Test func quantisedModelsKeepTheirStructure() throws {
    let words = [
      "quantize", model, "--weight-bits", "4", "--max-damage", "inf", "--calib",
      try FewScenes.learning,
    ]
    let plain = try run(words + ["--output", "plain.onnx"])
    #expect(plain.status == 0, "\(plain.errors)")
    let recovered = try run(
      words + [
        "--recover", "--recover-steps", "12", "--batch", "4", "--output", "again.onnx",
        "--format", "json",
      ])
    #expect(recovered.status == 0, "\(recovered.errors)")
    let log = try #require(try recovered.json()["recovery"] as? [String: Any])
    let (before, after) = (
      try #require(log["distanceBefore"] as? Double), try #require(log["distanceAfter"] as? Double)
    )
    #expect(after < before)
    let files = try ["plain.onnx", "again.onnx"].map {
      try ModelFile.load(folder.url.appending(path: $0))
    }
    #expect(files[0].nodes == files[1].nodes && files[0] != files[1])
  }

  @Test func aLimitInStepsGivesTheSameFileAgain() throws {
    for name in ["a.onnx", "b.onnx"] {
      let run = try run([
        "prune", model, "--method", "magnitude", "--sparsity", "0.5", "--recover", "--calib",
        try FewScenes.learning, "--recover-steps", "4", "--batch", "4", "--output", name,
      ])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("Recovered without labels on 12 images"))
    }
    let files = try ["a.onnx", "b.onnx"].map {
      try Data(contentsOf: folder.url.appending(path: $0))
    }
    #expect(files[0] == files[1])
  }

  @Test(arguments: [
    (["--recover", "x", "--epochs", "2"], "--recover trains without labels"),
    (["--recover", "x", "--lr", "0.1"], "leave out --lr"),
    (["--recover"], "--recover needs images"),
    (["--recover", "x", "--recover-minutes", "0"], "must be above 0"),
    (["--recover-steps", "5"], "are for --recover"),
  ])
  func whatDoesNotGoTogetherIsRefused(words: [String], message: String) throws {
    for verb in [["prune", "--method", "magnitude"], ["lowrank"], ["quantize", "--data-free"]] {
      let run = try run([verb[0], model] + verb.dropFirst() + words)
      #expect(run.status == 64 && run.errors.contains(message), "\(run.errors)")
    }
  }

  @Test func aFewImagesAreNotEnough() throws {
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
    let run = try run([
      "prune", "tiny.onnx", "--method", "magnitude", "--sparsity", "0.5", "--recover", "images/val",
    ])
    #expect(run.status == 66 && run.errors.contains("needs at least 8 images"), "\(run.errors)")
    let file = folder.url.appending(path: "tiny-pruned.onnx")
    #expect(!FileManager.default.fileExists(atPath: file.path))
  }
}
