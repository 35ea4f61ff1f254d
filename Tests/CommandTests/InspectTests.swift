import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

@Suite struct InspectTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func run(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  @Test func jsonHasTheKeysScriptsReadBy() throws {
    try TinyDetector.write(to: folder.url)
    let json = try run("inspect", "tiny.onnx", "--format", "json").json()
    #expect(
      Set(json.keys)
        == [
          "schemaVersion", "file", "fileBytes", "gzipBytes", "sha256", "irVersion", "opsets",
          "producer", "metadata", "inputs", "outputs", "nodes", "operators", "sparsity", "flops",
          "cost", "head",
        ])
    let head = try #require(json["head"] as? [String: Any])
    #expect(head["classes"] as? Int == 2 && (head["reasons"] as? [String])?.isEmpty == false)
    let cost = try #require(json["cost"] as? [String: Any])
    #expect(
      Set(cost.keys)
        == ["nodes", "parameters", "nonzeros", "macs", "peakActivationBytes", "uncounted"])
    // stem 16²·8·12, middle 8²·16·32, last 4²·16·64, heads 21 cells · 6 · 16
    let macs = 256 * 96 + 64 * 512 + 16 * 1024 + 21 * 96
    #expect(cost["macs"] as? Int == macs)
    #expect(json["flops"] as? Int == 2 * macs)
    #expect(cost["parameters"] as? Int == 96 + 8 + 512 + 16 + 1024 + 16 + 64 + 4 + 32 + 2)
    #expect((json["operators"] as? [String: Int])?["Conv"] == 9)
  }

  @Test func theTextListsEveryLayer() throws {
    try TinyDetector.write(to: folder.url)
    let text = try run("inspect", "tiny.onnx").output
    for part in ["9 Conv", "activations", "last", "[1, 16, 4, 4]", "sparsity", "FLOPs = 2 × MACs"] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(try !run("inspect", "tiny.onnx", "--summary").output.contains("[1, 16, 4, 4]"))
  }

  @Test(arguments: ["inspect", "benchmark"]) func aDynamicBatchIsTakenAsOne(verb: String) throws {
    try TinyDetector.write(to: folder.url) {
      $0.inputs[0].type = .tensor(
        .float32, shape: [.symbolic("N"), .fixed(3), .fixed(32), .fixed(32)])
    }
    let outcome = try run(verb, "tiny.onnx")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("--input-shape images=4x3x32x32"))
  }

  @Test(arguments: ["inspect", "benchmark"]) func otherDynamicAxesMustBeGiven(verb: String) throws {
    try TinyDetector.write(to: folder.url) {
      $0.inputs[0].type = .tensor(
        .float32, shape: [.fixed(1), .fixed(3), .unknown, .symbolic("W")])
    }
    let outcome = try run(verb, "tiny.onnx")
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("input 'images'") && outcome.errors.contains("--input-shape"))
    #expect(try run(verb, "tiny.onnx", "--input-shape", "images=1x3x32x32").status == 0)
  }

  @Test(.enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)))
  func kerasFilesSayWhatToDo() throws {
    let file = SharedAssets.model("keras_mini_xception.hdf5").path
    let outcome = try run("inspect", file)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("is a Keras model; convert it to ONNX first"))
  }

  @Test(.enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)))
  func quantisedModelsSayWhatToDo() throws {
    let outcome = try run("prune", SharedAssets.model("yolo11n_int8.onnx").path)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("prune the float model before it is quantised"))
  }

  @Test(.enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)))
  func sharedModelsArePrunedExactly() throws {
    let model = SharedAssets.model("yolo_fastest_1.1_bn.onnx").path
    let json = try run(
      "prune", model, "--sparsity", "0.75", "--output", "out.onnx", "--format", "json"
    ).json()
    let (zeros, prunable) = (json["zeros"] as? Int ?? 0, json["prunable"] as? Int ?? 0)
    #expect(zeros == Int((0.75 * Double(prunable)).rounded()) && prunable > 100_000)
  }
}
