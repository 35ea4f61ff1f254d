import Formats
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing

@Suite struct PruneCommandTests {
  let folder: TemporaryFolder
  let model: URL

  init() throws {
    folder = try TemporaryFolder()
    model = try TinyDetector.write(to: folder.url)
  }

  func prune(_ arguments: String...) throws -> Binary.Outcome {
    let names = ["--method", "--plan"].contains { arguments.contains($0) }
    return try Binary.run(
      ["prune", "tiny.onnx", "--threads", "1"] + (names ? [] : ["--method", "magnitude"])
        + arguments, in: folder.url)
  }

  func zeros(_ file: String) throws -> [String: Int] {
    let graph = try ModelFile.load(folder.url.appending(path: file))
    return Dictionary(
      uniqueKeysWithValues: graph.initializers.filter {
        $0.value.tensor.elementType == .float32
      }.map { ($0.key, $0.value.tensor.elements(as: Float.self).count { $0 == 0 }) })
  }

  func bytes(_ file: String) throws -> Data {
    try Data(contentsOf: folder.url.appending(path: file))
  }

  var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
  }

  @Test(arguments: ["global", "local", "erk"], ["0.1", "0.5", "0.75", "0.9", "0.999"])
  func theFileHasTheZerosAskedForToOneWeight(scope: String, sparsity: String) throws {
    let run = try prune("--scope", scope, "--sparsity", sparsity, "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    let counted = try zeros("tiny-pruned.onnx")
    let expected = Int(((Double(sparsity) ?? 0) * 1536).rounded())
    #expect(TinyDetector.open.keys.reduce(0) { $0 + (counted[$1] ?? 0) } == expected)
    #expect(counted.filter { TinyDetector.open[$0.key] == nil }.values.allSatisfy { $0 == 0 })
    let json = try run.json()
    #expect(json["zeros"] as? Int == expected)
    #expect(json["sparsity"] as? Double == Double(expected) / 1536)
  }

  @Test func sparsityZeroCopiesTheFile() throws {
    #expect(try prune("--sparsity", "0").status == 0)
    #expect(try bytes("tiny-pruned.onnx") == bytes("tiny.onnx"))
    #expect(try prune("--sparsity", "0", "--output", "tiny.h5").status == 0)
    #expect(
      try ModelFile.load(folder.url.appending(path: "tiny.h5")) == ModelFile.load(model))
  }

  @Test(arguments: [("2:4", 2, 4), ("1:4", 1, 4), ("4:8", 4, 8)])
  func everyGroupOfInputChannelsHasItsZeros(text: String, kept: Int, group: Int) throws {
    #expect(try prune("--pattern", text).status == 0)
    let graph = try ModelFile.load(folder.url.appending(path: "tiny-pruned.onnx"))
    for name in TinyDetector.open.keys {
      let tensor = try #require(graph[constant: name])
      let (values, shape) = (tensor.elements(as: Float.self), tensor.shape)
      for output in 0..<shape[0] {
        for start in stride(from: 0, to: shape[1], by: group) {
          for place in 0..<4 {
            let left = (start..<start + group).count {
              values[(output * shape[1] + $0) * 4 + place] != 0
            }
            #expect(left == kept)
          }
        }
      }
    }
  }

  @Test func metadataSaysWhatWasDone() throws {
    try TinyDetector.write(to: folder.url) { $0.properties.metadata["names"] = "{0: 'a', 1: 'b'}" }
    #expect(try prune("--sparsity", "0.5").status == 0)
    let metadata = try ModelFile.load(folder.url.appending(path: "tiny-pruned.onnx"))
      .properties.metadata
    #expect(metadata["names"] == "{0: 'a', 1: 'b'}")
    let record = try #require(metadata["compress.prune"])
    #expect(record.contains(#""method":"magnitude""#) && record.contains(#""sparsity":0.5"#))
    #expect(record.contains(Digest.sha256Text(try bytes("tiny.onnx"))))
  }

  @Test func aDryRunWritesNothing() throws {
    let run = try prune("--sparsity", "0.75", "--dry-run")
    #expect(run.status == 0)
    #expect(run.output.contains("Nothing was written"))
    #expect(run.output.contains("1152 of 1536 prunable weights"))
    #expect(try files == ["tiny.onnx"])
  }

  @Test func aSavedPlanGivesTheSameFile() throws {
    #expect(
      try prune("--method", "random", "--seed", "9", "--plan-out", "plan.json", "--dry-run").status
        == 0)
    #expect(try files == ["plan.json", "tiny.onnx"])
    #expect(
      try prune("--method", "random", "--seed", "9", "--output", "direct.onnx").status == 0)
    #expect(try prune("--plan", "plan.json", "--output", "replayed.onnx").status == 0)
    #expect(try bytes("replayed.onnx") == bytes("direct.onnx"))
    #expect(try prune("--method", "random", "--seed", "8", "--output", "other.onnx").status == 0)
    #expect(try bytes("other.onnx") != bytes("direct.onnx"))
  }

  @Test func aPlanOfAnotherModelIsRefused() throws {
    #expect(try prune("--plan-out", "plan.json", "--dry-run").status == 0)
    try TinyDetector.write(to: folder.url) { $0 = TinyDetector.graph(seed: 2) }
    let run = try prune("--plan", "plan.json")
    #expect(run.status == 65)
    #expect(run.errors.contains("the plan was made for another model"))
  }

  @Test func layersCanBeExcludedAndGivenTheirOwnSparsity() throws {
    #expect(try prune("--sparsity", "0.5", "--exclude", "middle*").status == 0)
    #expect(try zeros("tiny-pruned.onnx")["middle.weight"] == 0)
    #expect(try zeros("tiny-pruned.onnx")["last.weight"] == 512)
    #expect(
      try prune("--sparsity", "0", "--layer-sparsity", "stem=0.25", "--layer-sparsity", "la*=0.9")
        .status == 0)
    let counted = try zeros("tiny-pruned.onnx")
    #expect(counted["stem.weight"] == 24 && counted["last.weight"] == 922)
    #expect(counted["middle.weight"] == 0 && counted["box.weight"] == 0)
  }

  @Test func endsAreKeptAndSaidSo() throws {
    let run = try prune("--sparsity", "0.5")
    #expect(run.errors.contains("kept whole (first layer): 'stem.weight'"))
    #expect(run.errors.contains("kept whole (detection output): 'box.weight', 'score.weight'"))
    let all = try prune("--sparsity", "0.5", "--include-ends", "--format", "json")
    #expect(try all.json()["prunable"] as? Int == 1536 + 96 + 64 + 32)
  }

  @Test func sparseFilesHoldTheSameWeights() throws {
    #expect(try prune("--sparsity", "0.9", "--output", "dense.onnx").status == 0)
    #expect(
      try prune("--sparsity", "0.9", "--sparse-initializers", "--output", "sparse.onnx").status == 0
    )
    #expect(try prune("--sparsity", "0.9", "--output", "dense.h5").status == 0)
    #expect(try zeros("sparse.onnx") == zeros("dense.onnx"))
    #expect(try zeros("dense.h5") == zeros("dense.onnx"))
    #expect(try bytes("sparse.onnx").count < bytes("dense.onnx").count)
  }

  @Test func externalDataOfTheSourceIsLeftAlone() throws {
    try TinyDetector.write(to: folder.url) {
      $0.initializers["last.weight"]?.encoding = .external
    }
    let weights = try bytes("tiny.onnx.data")
    #expect(try prune("--sparsity", "0.9").status == 0)
    #expect(try bytes("tiny.onnx.data") == weights)
    #expect(try (zeros("tiny-pruned.onnx")["last.weight"] ?? 0) > 800)
  }

  @Test func weightsThatAreNoNumbersAreNamed() throws {
    try TinyDetector.write(to: folder.url) {
      $0[constant: "last.weight"] = Tensor(
        [Float](repeating: .nan, count: 1024), shape: [16, 16, 2, 2])
    }
    let run = try prune("--sparsity", "0.5")
    #expect(run.status == 65)
    #expect(
      run.errors.contains(
        "tiny.onnx: weight 'last.weight' of Conv 'last' holds nan at element [0, 0, 0, 0]"))
    #expect(try files == ["tiny.onnx"])
  }

  @Test func resultsAreOnStandardOutputRemarksOnStandardError() throws {
    let run = try prune("--sparsity", "0.5", "--format", "json")
    _ = try run.json()
    #expect(run.errors.contains("kept whole"))
    let quiet = try prune("--sparsity", "0.5", "--quiet")
    #expect(quiet.errors.isEmpty)
    #expect(quiet.output.contains("gain no speed"))
  }

  @Test func anInterruptLeavesNothingHalfWritten() throws {
    try TinyImages.write(to: folder.url, count: 100)
    let command = try RunningCommand(
      ["prune", "tiny.onnx", "--data", "data.yaml", "--report", "report"], in: folder.url)
    try command.waitForText()
    command.process.interrupt()
    #expect(command.allEnd())
    #expect(command.process.terminationStatus == 130)
    #expect(command.text.contains("interrupted"))
    #expect(try !files.contains("report"))
    #expect(try files.allSatisfy { !$0.hasSuffix(".part") })
  }
}

/// Pruning by second order, from the command line.
@Suite struct SecondOrderCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    let images = folder.url.appending(path: "images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    var random = SplitMix64(seed: 3)
    for index in 0..<6 {
      let noise = (0..<4800).map { _ in UInt8.random(in: 0...255, using: &random) }
      let name = "\(index).png"
      try ImageFile.encode(PixelBuffer(width: 40, height: 40, pixels: noise), as: name)
        .write(to: images.appending(path: name))
    }
  }

  func prune(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(["prune", "tiny.onnx", "--threads", "1"] + arguments, in: folder.url)
  }

  func zeros(_ file: String) throws -> Int {
    let graph = try ModelFile.load(folder.url.appending(path: file))
    return TinyDetector.open.keys.reduce(0) { sum, name in
      sum + (graph[constant: name]?.floats.count { $0 == 0 } ?? 0)
    }
  }

  @Test func imagesShowWhatZerosCost() throws {
    let run = try prune(
      "--method", "obs", "--sparsity", "0.6", "--calib", "images", "--plan-out", "plan.json",
      "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    let plan = try #require(json["plan"] as? [String: Any])
    #expect(plan["method"] as? String == "obs")
    #expect(plan["scope"] as? String == "measured")
    #expect((json["reconstruction"] as? [Any])?.count == TinyDetector.open.count)
    #expect(try zeros("tiny-pruned.onnx") == Int((0.6 * 1536).rounded()))
    let replayed = try prune(
      "--plan", "plan.json", "--calib", "images", "--output", "again.onnx")
    #expect(replayed.status == 0, "\(replayed.errors)")
    let files = try ["tiny-pruned.onnx", "again.onnx"].map {
      try ModelFile.load(folder.url.appending(path: $0)).initializers
    }
    #expect(files[0] == files[1])
  }

  @Test func aPlanSaysPatternsAndEnds() throws {
    let arguments = ["--method", "obs", "--calib", "images", "--plan-out", "plan.json"]
    for choice in [["--pattern", "2:4"], ["--include-ends", "--sparsity", "0.4"]] {
      let first = try Binary.run(["prune", "tiny.onnx"] + arguments + choice, in: folder.url)
      #expect(first.status == 0, "\(first.errors)")
      let again = try prune("--plan", "plan.json", "--calib", "images", "--output", "again.onnx")
      #expect(again.status == 0, "\(again.errors)")
      let files = try ["tiny-pruned.onnx", "again.onnx"].map {
        try ModelFile.load(folder.url.appending(path: $0)).initializers
      }
      #expect(files[0] == files[1], "\(choice)")
    }
  }

  @Test func itIsTheDefaultAndLooksAtDrawnImagesWhereThereAreNone() throws {
    let run = try prune("--sparsity", "0.5", "--plan-out", "plan.json", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("drawn") && run.errors.contains("--calib"), "\(run.errors)")
    let json = try run.json()
    #expect((json["plan"] as? [String: Any])?["method"] as? String == "obs")
    #expect(json["distance"] == nil)
    let storage = try #require(json["storage"] as? [String: Int])
    #expect((storage["gzip"] ?? 0) < (storage["plain"] ?? 0))
    #expect(try zeros("tiny-pruned.onnx") == 768)
    let again = try prune("--plan", "plan.json", "--output", "again.onnx")
    #expect(again.status == 0 && again.errors.contains("drawn"), "\(again.errors)")
  }

  @Test func magnitudesAloneAreMeasured() throws {
    for images in [["--calib", "images"], []] {
      let run = try Binary.run(
        ["prune", "tiny.onnx", "--method", "magnitude", "--format", "json"] + images,
        in: folder.url)
      #expect(run.status == 0, "\(run.errors)")
      #expect(!run.errors.contains("drawn"))
      let json = try run.json()
      #expect(try #require(json["distance"] as? Double) >= 0)
      #expect(json["reconstruction"] == nil)
    }
  }

  @Test func patternsAndScopesWork() throws {
    for arguments in [["--pattern", "2:4"], ["--scope", "local"], ["--scope", "lamp"]] {
      let run = try Binary.run(
        ["prune", "tiny.onnx", "--method", "obs", "--calib", "images"] + arguments, in: folder.url)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try zeros("tiny-pruned.onnx") == 768)
    }
  }

  @Test func trainingKeepsTheZeros() throws {
    let run = try prune(
      "--sparsity", "0.6", "--calib", "images", "--train-data", "images", "--epochs", "2",
      "--batch", "2", "--loss", "match", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json()["epochs"] as? Int == 2)
    #expect(try zeros("tiny-pruned.onnx") == Int((0.6 * 1536).rounded()))
  }

  @Test func aGrowingScheduleIsForMagnitudes() throws {
    let growing = ["--schedule", "agp", "--epochs", "1", "--train-data", "images"]
    let run = try Binary.run(
      ["prune", "tiny.onnx", "--method", "obs"] + growing, in: folder.url)
    #expect(run.status == 64 && run.errors.contains("--schedule agp"), "\(run.errors)")
  }
}
