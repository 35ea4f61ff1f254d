import Compress
import Formats
import Compression
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// `compress compare`: what differs, and what is no number.
@Suite struct CompareCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A model that adds a constant to its input.
  private func write(_ values: [Float], _ name: String) throws {
    let type = ValueType(TensorType(.float32, [values.count]))
    var graph = Graph(
      name: "sum", inputs: [ValueInfo(name: "x", type: type)],
      outputs: [ValueInfo(name: "y", type: type)])
    graph[constant: "c"] = Tensor(values, shape: [values.count])
    graph.nodes = [Node("Add", name: "add", inputs: ["x", "c"], outputs: ["y"])]
    try ModelFile.save(graph, to: folder.url.appending(path: name))
  }

  private func difference(
    _ values: [Double], _ reference: [Double]
  ) -> (error: Double, mean: Double, nonFinite: Int) {
    let row = ComparedOutput("y", values, reference: reference)
    return (row.normalizedMaxError, row.normalizedMeanError, row.nonFinite)
  }

  @Test func errorsAreRelativeToTheLargestOfTheReference() {
    #expect(difference([1, 2, -4], [1, 2, -4]) == (0, 0, 0))
    #expect(difference([1, 3, -4], [1, 2, -4]) == (0.25, 0.25 / 3, 0))
    #expect(difference([], []) == (0, 0, 0))
    #expect(difference([0], [0]) == (0, 0, 0))
    #expect(difference([2], [0]).error > 1e300)
  }

  /// At every place, for `max()` passes NaN over unless it stands first.
  @Test func whatIsFiniteOnOneSideOnlyIsInfinitelyWrong() {
    let whole = [1.0, 2, 3]
    for odd in [Double.nan, -.nan, .infinity, -.infinity] {
      for place in 0..<3 {
        var broken = whole
        broken[place] = odd
        #expect(difference(broken, whole) == (.infinity, .infinity, 1))
        #expect(difference(whole, broken) == (.infinity, .infinity, 1))
        #expect(difference(broken, broken) == (0, 0, 0))
        var other = broken
        other[place] = odd.isNaN ? .infinity : -odd
        #expect(difference(broken, other) == (.infinity, .infinity, 1))
      }
    }
    // The scale is that of the numbers.
    #expect(difference([.nan, 1, 4], [.nan, 2, 4]) == (0.25, 0.25 / 3, 0))
    #expect(difference([.nan, .nan], [.nan, 1]) == (.infinity, .infinity, 1))
  }

  @Test(arguments: [("nan", "inf", 1), ("infinite", "inf", 1), ("same", "0.00e+00", 0)])
  func textAndJSONAgree(name: String, text: String, count: Int) throws {
    try write([1, 2, 3, 4], "same.onnx")
    try write([1, 2, .nan, 4], "nan.onnx")
    try write([1, 2, 3, -.infinity], "infinite.onnx")
    for order in [["\(name).onnx", "same.onnx"], ["same.onnx", "\(name).onnx"]] {
      let plain = try Binary.run(["compare"] + order, in: folder.url)
      #expect(plain.status == 0, "\(plain.errors)")
      let row = try #require(plain.output.split(separator: "\n").last { $0.hasPrefix("y") })
      let fields = row.split(separator: " ").map(String.init)
      #expect(fields == ["y", "4", text, text, "\(count)"])
      let run = try Binary.run(["compare"] + order + ["--format", "json"], in: folder.url)
      #expect(run.status == 0, "\(run.errors)")
      let outputs = try #require(try run.json()["outputs"] as? [[String: Any]])
      #expect(outputs[0]["nonFinite"] as? Int == count)
      if count > 0 {
        #expect(outputs[0]["normalizedMaxError"] as? String == "Infinity")
        #expect(outputs[0]["normalizedMeanError"] as? String == "Infinity")
      } else {
        #expect(outputs[0]["normalizedMaxError"] as? Double == 0)
      }
    }
  }

  @Test func outputsOfOneSideAloneAreNamed() throws {
    try write([1, 2], "a.onnx")
    var graph = try ModelFile.load(folder.url.appending(path: "a.onnx"))
    graph.nodes.append(Node("Neg", name: "neg", inputs: ["y"], outputs: ["z"]))
    graph.outputs.append(
      ValueInfo(name: "z", type: ValueType(TensorType(.float32, [2]))))
    try ModelFile.save(graph, to: folder.url.appending(path: "b.onnx"))
    for order in [["a.onnx", "b.onnx"], ["b.onnx", "a.onnx"]] {
      let run = try Binary.run(["compare"] + order, in: folder.url)
      #expect(run.status == 0 && run.errors.contains("output 'z' is on one side only"))
    }
  }

  /// A detector that answers NaN does not pass for one that finds nothing.
  @Test func detectorsThatAnswerNaNAreNamed() throws {
    try TinyDetector.write(to: folder.url) { graph in
      graph[constant: "score.bias"] = Tensor([Float.nan, .nan], shape: [2])
    }
    try TinyImages.write(to: folder.url)
    for words in [
      ["evaluate", "tiny.onnx", "--data", "data.yaml"], ["detect", "tiny.onnx", "images/val"],
    ] {
      let run = try Binary.run(words, in: folder.url)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.contains("holds NaN for 3 of 3 images"), "\(run.errors)")
    }
  }
}
