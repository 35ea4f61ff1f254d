import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// The real detectors run, and cost what their table says.
@Suite(.enabled(if: SharedAssets.isPresent, "../shared is absent: no real detectors to test with"))
struct SharedModelTests {
  /// Parameters in millions, statistics of batch normalisations left out, and MACs in thousand
  /// millions.
  static let costs: [(name: String, parameters: Double, macs: Double?)] = [
    ("yolo_fastest_1.1_bn.onnx", 0.333, 0.13),
    ("yolo_fastest_1.1_xl_bn.onnx", 0.899, 0.36),
    ("fastestdet_512_bn.onnx", 0.2445, 0.26),
    ("yolox_nano_416.onnx", 0.90, 0.52),
    ("yolo11n_dequant.onnx", 2.62, 0.81),
    ("nanodet_m_320.onnx", 0.94, 0.34),
    ("ultraface_rfb_320_folded_nodecode.onnx", 0.274, nil),
    ("mobilenet_v2_0.5_128.onnx", 0.18, nil),
  ]

  private static func noise(_ type: TensorType, seed: UInt64) -> Tensor {
    var random = SplitMix64(seed: seed)
    return Tensor(
      (0..<type.count).map { _ in Float.random(in: 0...1, using: &random) }, shape: type.shape)
  }

  private static func error(_ a: Tensor, _ b: Tensor) -> Double {
    a.type == b.type ? normalizedMaxError(a.doubles, b.doubles) : .infinity
  }

  @Test(arguments: SharedAssets.models) func sessionEqualsTheReference(model: URL) throws {
    let graph = try ModelFile.load(model)
    // Where activations are quantised, one rounding step that a rewrite moves becomes an integer
    // step.
    let isInteger = graph.nodes.contains { $0.opType == "DynamicQuantizeLinear" }
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(threads: 2, passes: isInteger ? [] : StandardRewrites.inference))
    let feed = Dictionary(
      uniqueKeysWithValues: session.inputs.map { ($0.name, Self.noise($0.type, seed: 3)) })
    let expected = try ReferenceInterpreter(graph, registry: .standard).run(feed)
    let outputs = try session.run(feed)
    for (name, tensor) in expected {
      #expect(Self.error(try #require(outputs[name]), tensor) <= Tolerance.network.bound, "\(name)")
    }
  }

  @Test(arguments: SharedAssets.models) func threadsDoNotChangeABit(model: URL) throws {
    let graph = try ModelFile.load(model)
    var results: [[String: Tensor]] = []
    for threads in 1...3 {
      let session = try Session(
        graph, registry: .standard,
        options: SessionOptions(threads: threads, passes: StandardRewrites.inference))
      let feed = Dictionary(
        uniqueKeysWithValues: session.inputs.map { ($0.name, Self.noise($0.type, seed: 4)) })
      results.append(try session.run(feed))
    }
    #expect(results[1] == results[0] && results[2] == results[0])
  }

  @Test func aBatchIsItsImagesOneByOne() throws {
    let graph = try ModelFile.load(SharedAssets.model("mobilenet_v2_0.5_128.onnx"))
    let name = graph.requiredInputs[0].name
    func run(_ image: Tensor) throws -> Tensor {
      let session = try Session(
        graph, registry: .standard,
        options: SessionOptions(
          inputShapes: [name: image.shape], passes: StandardRewrites.inference))
      return try #require(try session.run([name: image]).values.first)
    }
    let images = (0..<3).map {
      Self.noise(TensorType(.float32, [1, 3, 128, 128]), seed: UInt64($0))
    }
    let batch = Tensor(images.flatMap { $0.elements(as: Float.self) }, shape: [3, 3, 128, 128])
    let together = try run(batch).doubles
    let apart = try images.flatMap { try run($0).doubles }
    #expect(normalizedMaxError(together, apart) <= Tolerance.network.bound)
  }

  @Test(arguments: costs.indices) func costsAreThoseOfTheTable(row: Int) throws {
    let (name, parameters, macs) = Self.costs[row]
    let cost = try ModelCost(ModelFile.load(SharedAssets.model(name)), registry: .standard)
    #expect(cost.uncounted.isEmpty)
    #expect(abs(Double(cost.parameters) / 1e6 - parameters) <= 0.005, "\(cost.parameters)")
    if let macs { #expect(abs(Double(cost.macs) / 1e9 - macs) <= 0.01, "\(cost.macs)") }
  }
}
