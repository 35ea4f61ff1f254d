import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// `--imgsz` for networks whose inputs are open, and for fixed ones that take any size.
@Suite struct ImageSizeCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try Self.write(to: folder.url, as: "fixed.onnx", rows: .fixed(32), columns: .fixed(32))
    try Self.write(to: folder.url, as: "open.onnx", rows: .symbolic("h"), columns: .symbolic("w"))
    try Self.write(to: folder.url, as: "grid.onnx", rows: .fixed(32), columns: .fixed(32)) {
      $0[constant: "grid"] = Tensor([Float](repeating: 0, count: 64), shape: [1, 1, 8, 8])
      $0.nodes[1] = Node("Add", name: "decode", inputs: ["a", "grid"], outputs: ["output"])
    }
  }

  /// A network of two convolutions, which takes images of any size.
  private static func write(
    to folder: URL, as name: String, rows: GraphIR.Dimension, columns: GraphIR.Dimension,
    _ edit: (inout Graph) -> Void = { _ in }
  ) throws {
    let open: [GraphIR.Dimension] = [.fixed(1), .fixed(3), rows, columns]
    var graph = Graph(
      nodes: [
        Node("Conv", name: "one", inputs: ["images", "w"], outputs: ["a"], attributes: stride),
        Node("Relu", name: "two", inputs: ["a"], outputs: ["output"]),
      ], inputs: [ValueInfo(name: "images", type: .tensor(.float32, shape: open))],
      outputs: [ValueInfo(name: "output", type: .tensor(.float32, shape: nil))])
    graph.properties.opsets = ["": 17]
    graph[constant: "w"] = Tensor(
      (0..<192).map { Float($0 % 7) - 3 }, shape: [4, 3, 4, 4])
    edit(&graph)
    try ModelFile.save(graph, to: folder.appending(path: name))
  }

  private static let stride: Attributes = ["strides": .ints([4, 4])]

  private func run(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(words, in: folder.url)
  }

  private func macs(_ words: [String]) throws -> Int {
    let run = try run(["inspect"] + words + ["--format", "json"])
    try #require(run.status == 0, "\(run.errors)")
    let cost = try #require(try run.json()["cost"] as? [String: Any])
    return try #require(cost["macs"] as? Int)
  }

  @Test(arguments: ["fixed.onnx", "open.onnx"])
  func theImageInputTakesTheGivenSize(model: String) throws {
    let cell = 4 * 48
    #expect(try macs([model, "--imgsz", "64"]) == 16 * 16 * cell)
    #expect(try macs([model, "--imgsz", "64x32"]) == 16 * 8 * cell)
    #expect(try macs([model, "--input-shape", "64x32"]) == 16 * 8 * cell)
    #expect(try macs([model, "--input-shape", "1x3x64x32"]) == 16 * 8 * cell)
    let timed = try run(["benchmark", model, "--imgsz", "64", "--runs", "1", "--format", "json"])
    #expect(timed.status == 0, "\(timed.errors)")
    #expect(try timed.json()["inputs"] as? [String] == ["images float32[1,3,64,64]"])
  }

  @Test func withoutASizeTheFileDecides() throws {
    #expect(try macs(["fixed.onnx"]) == 8 * 8 * 4 * 48)
    let outcome = try run(["inspect", "open.onnx"])
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("give rows and columns with --imgsz"), "\(outcome.errors)")
  }

  @Test func aGridOfOneSizeIsNamed() throws {
    let outcome = try run(["inspect", "grid.onnx", "--imgsz", "64"])
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.errors.contains("exported for one size of images and does not take 64×64"))
    #expect(outcome.errors.contains("'decode'"), "\(outcome.errors)")
    #expect(try macs(["grid.onnx", "--imgsz", "32"]) == 8 * 8 * 4 * 48)
  }

  /// What is written is open where the file was, else of the new size.
  @Test(arguments: [("fixed.onnx", "64,64"), ("open.onnx", "h,w")])
  func whatIsWrittenTakesTheSize(model: String, shape: String) throws {
    let outcome = try run([
      "prune", model, "--method", "magnitude", "--sparsity", "0.3", "--include-ends", "--imgsz",
      "64", "--output", "pruned.onnx",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let written = try ModelFile.load(folder.url.appending(path: "pruned.onnx"))
    #expect("\(written.inputs[0].type)" == "float32[1,3,\(shape)]")
  }

  @Test(arguments: ["0", "640x", "axb", "-1", "1x2x3"])
  func nonsenseIsRefused(size: String) throws {
    #expect(try run(["inspect", "fixed.onnx", "--imgsz", size]).status == 64)
  }
}
