import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Errors that arise while a verb works on a model begin with the model's file, then say where in
/// it.
@Suite struct ModelErrorTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url, count: 1)
    // An operator that nobody knows, attributes that make no sense, shapes that do not fit.
    try TinyDetector.write(to: folder.url, as: "unknown.onnx") { graph in
      graph.nodes[1].opType = "Enchant"
    }
    try TinyDetector.write(to: folder.url, as: "attribute.onnx") { graph in
      graph.nodes[0].attributes["strides"] = .ints([0, 0])
    }
    try TinyDetector.write(to: folder.url, as: "shape.onnx") { graph in
      graph[constant: "middle.weight"] = Tensor(
        [Float](repeating: 1, count: 16 * 9 * 4), shape: [16, 9, 2, 2])
    }
    // No image, no head that is known.
    try TinyDetector.write(to: folder.url, as: "image.onnx") { graph in
      graph.inputs[0] = ValueInfo(
        name: "images", type: ValueType(TensorType(.float32, [2, 3, 32, 32])))
    }
  }

  static let verbs: [[String]] = [
    ["inspect", "FILE"], ["benchmark", "FILE"], ["compare", "FILE", "tiny.onnx"],
    ["compare", "tiny.onnx", "FILE"], ["evaluate", "FILE", "--data", "data.yaml"],
    ["detect", "FILE", "images/val/0.png"],
    ["prune", "FILE", "--data", "data.yaml"], ["prune", "FILE", "--method", "l1"],
    ["lowrank", "FILE"], ["quantize", "FILE", "--data-free"],
    ["quantize", "FILE", "--calib", "images/val"],
    ["report", "tiny.onnx", "FILE", "--no-timing", "--data", "data.yaml"],
    ["train", "FILE", "--data", "data.yaml", "--val-data", "data.yaml", "--epochs", "1"],
    [
      "distill", "--teacher", "FILE", "--student", "tiny.onnx", "--data", "data.yaml", "--epochs",
      "1",
    ],
    [
      "distill", "--teacher", "tiny.onnx", "--student", "FILE", "--data", "data.yaml", "--epochs",
      "1",
    ],
  ]

  @Test(arguments: verbs)
  func theModelStandsFirst(verb: [String]) throws {
    for file in ["unknown.onnx", "attribute.onnx", "shape.onnx", "image.onnx"] {
      let words = verb.map { $0 == "FILE" ? file : $0 }
      let outcome = try Binary.run(words, in: folder.url)
      // Some verbs have no quarrel with some of the files.
      if outcome.status == 0 { continue }
      #expect([64, 65].contains(outcome.status), "\(words): \(outcome.errors)")
      let error = try #require(
        outcome.errors.split(separator: "\n").first { $0.hasPrefix("error: ") })
      let names = error.dropFirst("error: ".count).prefix { $0 != ":" }
      // What one model takes and the other does not is said of either.
      let isNamed = names.hasSuffix(file) || verb[0] == "compare" && names.hasSuffix("tiny.onnx")
      #expect(isNamed, "\(words): \(error)")
    }
  }

  @Test func theNodeStandsSecond() throws {
    let outcome = try Binary.run(["benchmark", "attribute.onnx"], in: folder.url)
    #expect(outcome.status == 65)
    #expect(
      outcome.errors.hasPrefix("error: attribute.onnx: node 'stem'")
        || outcome.errors.hasPrefix("error: attribute.onnx: Conv 'stem'")
        || outcome.errors.contains("attribute.onnx: ") && outcome.errors.contains("stem"),
      "\(outcome.errors)")
  }
}
