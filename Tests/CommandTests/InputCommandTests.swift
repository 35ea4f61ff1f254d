import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Verbs on detectors that take other inputs than one float32 `[1, 3, H, W]`.
@Suite struct InputCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url, as: "plain.onnx")
    try TinyDetector.write(to: folder.url, as: "bytes.onnx") { $0.takeBytes() }
    try TinyDetector.write(to: folder.url, as: "pixels.onnx") { $0.takePixels() }
    try TinyDetector.write(to: folder.url, as: "half.onnx") { $0.halve() }
    try TinyDetector.write(to: folder.url, as: "rounded.onnx") { $0.round() }
    try TinyDetector.write(to: folder.url, as: "scaled.onnx") { $0.divide(by: "scale_factor") }
    try TinyDetector.write(to: folder.url, as: "sized.onnx") {
      $0.divide(by: "orig_target_sizes", .int64, times: 1 / 32)
    }
    try TinyDetector.write(to: folder.url, as: "open.onnx") { $0.divide(by: "depth") }
    try TinyImages.write(to: folder.url)
    let splits = "path: .\ntrain: images/val\nval: images/val\nnames: [class0, class1]\n"
    try Data(splits.utf8).write(to: folder.url.appending(path: "both.yaml"))
  }

  private func run(_ arguments: [String]) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  /// The files of the images that are calibrated with.
  private let images = ["--calib", "images/val"]
  private let data = ["--data", "data.yaml"]

  private func boxes(_ model: String, _ options: [String] = []) throws -> [[String: Any]] {
    let run = try run(
      ["detect", model, "images/val", "--confidence", "0.001", "--format", "json"] + options)
    #expect(run.status == 0, "\(run.errors)")
    let images = try #require(try run.json()["images"] as? [[String: Any]])
    return images.flatMap { $0["detections"] as? [[String: Any]] ?? [] }
  }

  private func numbers(_ boxes: [[String: Any]]) -> [Double] {
    boxes.flatMap { ($0["bbox"] as? [Double] ?? []) + [$0["confidence"] as? Double ?? -1] }
  }

  @Test(arguments: ["bytes.onnx", "pixels.onnx", "scaled.onnx", "sized.onnx"])
  func otherInputsSeeTheSameImages(model: String) throws {
    let (found, expected) = (numbers(try boxes(model)), numbers(try boxes("plain.onnx")))
    #expect(!expected.isEmpty && found == expected)
  }

  @Test func float16FindsWhatItsFloat32TwinFinds() throws {
    let (found, expected) = (numbers(try boxes("half.onnx")), numbers(try boxes("rounded.onnx")))
    #expect(!expected.isEmpty && found.count == expected.count)
    // Inputs and outputs round to ten bits.
    #expect(normalizedMaxError(found, expected) < 1e-3)
    let run = try run(["compare", "half.onnx", "rounded.onnx"])
    #expect(run.status == 0, "\(run.errors)")
  }

  static let models = ["bytes.onnx", "pixels.onnx", "half.onnx", "scaled.onnx", "sized.onnx"]

  @Test(arguments: models) func theScoreIsThePlainOne(model: String) throws {
    let runs = try [model, "plain.onnx"].map {
      try run(["evaluate", $0, "--format", "json"] + data)
    }
    let scores = try runs.map { run in
      #expect(run.status == 0, "\(run.errors)")
      return try #require((run.json()["summary"] as? [String: Any])?["AP"] as? Double)
    }
    #expect(scores[0] == scores[1] && scores[0] > 0.1)
  }

  @Test(arguments: models) func everyVerbTakesIt(model: String) throws {
    let verbs: [[String]] = [
      ["inspect", model], ["benchmark", model, "--runs", "1", "--warmup", "0"],
      ["benchmark", model, "--training", "--runs", "1", "--warmup", "0"],
      ["report", model, "plain.onnx", "--output", "r", "--no-timing"] + data,
      ["quantize", model, "--output", "q.onnx"] + images + data,
      [
        "quantize", model, "--finetune", "1", "--loss", "match", "--output", "qt.onnx",
        "--train-data", "both.yaml",
      ]
        + images + data,
      ["prune", model, "--sparsity", "0.5", "--output", "w.onnx"] + data,
      [
        "prune", model, "--method", "l1", "--sparsity", "0.3", "--output", "c.onnx",
      ] + images + data,
      ["lowrank", model, "--rank", "ratio=0.3", "--gain", "macs", "--output", "l.onnx"] + images
        + data,
      [
        "distill", "--teacher", model, "--student", "plain.onnx", "--epochs", "1", "--loss", "cwd",
        "--label-weight", "0", "--output", "d.onnx", "--train-data", "both.yaml",
      ] + data,
      ["train", model, "--loss", "match", "--epochs", "1", "--data", "both.yaml", "-o", "t"],
      ["inspect", model, "--sensitivity", "s.json", "--fractions", "0.5"] + images,
    ]
    let original = try ModelFile.load(folder.url.appending(path: model))
    for verb in verbs {
      let run = try run(verb)
      #expect(run.status == 0, "\(verb): \(run.errors)")
      guard let place = verb.firstIndex(of: "--output"), verb[0] != "report", verb[0] != "distill"
      else { continue }
      let written = try ModelFile.load(folder.url.appending(path: verb[place + 1]))
      #expect(written.inputs == original.inputs, "\(verb)")
      #expect(written.outputs.map(\.name) == original.outputs.map(\.name))
      #expect(written.initializers["scale_factor"] == nil)
    }
  }

  @Test func prunedFloat16ModelsStayFloat16() throws {
    for options in [
      ["--method", "magnitude", "--sparsity", "0.5"], ["--channels", "--sparsity", "0.3"] + images,
    ] {
      let run = try run(
        ["prune", "half.onnx", "--output", "p.onnx"] + options)
      #expect(run.status == 0, "\(run.errors)")
      let graph = try ModelFile.load(folder.url.appending(path: "p.onnx"))
      for (name, initializer) in graph.initializers {
        #expect([.float16, .int64].contains(initializer.tensor.elementType), "\(name)")
      }
      #expect(!graph.nodes.contains { $0.opType == "Cast" })
      #expect(graph.inputs[0].type == ValueType(TensorType(.float16, [1, 3, 32, 32])))
    }
    let copy = try run(["convert", "half.onnx", "--output", "copy.onnx"])
    #expect(copy.status == 0)
    let graphs = try ["half.onnx", "copy.onnx"].map {
      try ModelFile.load(folder.url.appending(path: $0))
    }
    #expect(graphs[0] == graphs[1])
  }

  // MARK: Constants

  @Test func anInputWithoutAValueIsNamed() throws {
    for verb in [["detect", "open.onnx", "images/val"], ["evaluate", "open.onnx"] + data] {
      let run = try run(verb)
      #expect(run.status == 64, "\(run.errors)")
      for word in ["'depth'", "float32[N,2]", "--input depth="] {
        #expect(run.errors.contains(word), "\(run.errors)")
      }
    }
  }

  @Test func givenValuesCount() throws {
    let expected = numbers(try boxes("plain.onnx"))
    for value in ["depth=1", "depth=1,1"] {
      #expect(numbers(try boxes("open.onnx", ["--input", value])) == expected)
    }
    let halved = numbers(try boxes("open.onnx", ["--input", "depth=2,2"]))
    #expect(halved != expected)
    #expect(
      numbers(try boxes("scaled.onnx", ["--input", "scale_factor=2,2"])) == halved)
    let quantized = try run(
      ["quantize", "open.onnx", "--input", "depth=1", "--output", "q.onnx"] + images + data)
    #expect(quantized.status == 0, "\(quantized.errors)")
    #expect(try run(["detect", "q.onnx", "images/val"]).status == 64)
    #expect(!(try boxes("q.onnx", ["--input", "depth=1"])).isEmpty)
  }

  @Test(arguments: [
    ("depth=1,2,3,4,5", "takes 2 numbers"), ("depth=x", "float32"), ("width=1", "'width'"),
    ("depth", "NAME=VALUE"), ("depth=1,,2", "NAME=VALUE"),
  ]) func valuesThatDoNotFitAreRefused(value: String, word: String) throws {
    let run = try run(["detect", "open.onnx", "images/val", "--input", value])
    #expect(run.status == 64 && run.errors.contains(word), "\(run.errors)")
  }

  @Test func inspectSaysWhatInputsTake() throws {
    for (model, text) in [
      ("bytes.onnx", "images, NHWC, bytes 0…255"), ("plain.onnx", "images, NCHW"),
      ("scaled.onnx", "constant 1, 1"), ("sized.onnx", "constant 32, 32"),
    ] {
      let run = try run(["inspect", model, "--summary"])
      #expect(run.output.contains(text), "\(run.output)")
    }
  }

  @Test func boundInputsAreNoParameters() throws {
    let counts = try ["plain.onnx", "scaled.onnx"].map { model in
      let cost = try run(["inspect", model, "--format", "json"]).json()["cost"] as? [String: Any]
      return try #require(cost?["parameters"] as? Int)
    }
    #expect(counts[0] == counts[1])
  }

  @Test func recipesHandConstantsOn() throws {
    let recipe = """
      model: open.onnx
      data: data.yaml
      calib: images/val
      input: [depth=1]
      steps:
        - prune: {sparsity: 0.3}
        - quantize
      """
    try Data(recipe.utf8).write(to: folder.url.appending(path: "recipe.yaml"))
    let run = try run(["run", "recipe.yaml", "--no-timing"])
    #expect(run.status == 0, "\(run.errors)")
  }
}
