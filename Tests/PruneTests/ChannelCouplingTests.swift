import Architectures
import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Prune
import Tensors
import TestSupport
import Testing

/// Channels cut out of real networks: what is left computes what the whole network does without
/// them.
@Suite struct ChannelCouplingTests {
  static let shared = [
    "fastestdet_512_bn", "fastestdet_512_folded", "yolo11n_int8", "mobilenet_v2_0.5_128",
    "nanodet_m_320",
    "ultraface_rfb_320_bn", "ultraface_rfb_320_folded_nodecode", "yolo11n_dequant",
    "yolo_fastest_1.1_bn", "yolo_fastest_1.1_xl_bn", "yolox_nano_416",
  ]

  static func load(_ name: String) throws -> Graph {
    if let architecture = Architecture.named(name) {
      return try architecture.build(
        ArchitectureOptions(classes: ["a", "b"], width: 0.25, depth: 0.34, imageSize: 96, seed: 1))
    }
    return try ModelFile.load(SharedAssets.model("\(name).onnx"))
  }

  static func shapes(_ graph: Graph) -> [String: [Int]] {
    Dictionary(
      uniqueKeysWithValues: graph.requiredInputs.compactMap { input in
        guard case .tensor(_, let shape?) = input.type, input.type.concrete == nil else {
          return nil
        }
        return (input.name, shape.map { $0.extent ?? 1 })
      })
  }

  /// Seeded images of the size that a graph takes.
  static func feeds(_ graph: Graph, count: Int) throws -> [[String: Tensor]] {
    let shapes = shapes(graph)
    return (0..<count).map { index in
      var random = CounterRandom(seed: UInt64(index))
      var feed: [String: Tensor] = [:]
      for input in graph.requiredInputs {
        let shape = shapes[input.name] ?? input.type.concrete?.shape ?? []
        feed[input.name] = Tensor(
          (0..<shape.reduce(1, *)).map { _ in Float.random(in: 0..<1, using: &random) },
          shape: shape)
      }
      return feed
    }
  }

  /// A random choice of groups that leaves something everywhere.
  static func choice(_ coupling: ChannelCoupling, ratio: Double, seed: UInt64) -> Set<Int> {
    var random = SplitMix64(seed: seed)
    var removed = Set(
      coupling.groups.indices.filter { _ in Double.random(in: 0..<1, using: &random) < ratio })
    for set in coupling.minimalSets where removed.isSuperset(of: set) {
      removed.remove(set[Int(seed) % set.count])
    }
    return removed
  }

  private func check(_ name: String, ratio: Double, seed: UInt64) throws {
    let graph = try Self.load(name)
    let coupling = try ChannelCoupling(
      graph, registry: .standard, inputShapes: Self.shapes(graph))
    let removed = Self.choice(coupling, ratio: ratio, seed: seed)
    #expect(removed.count > 10, "\(coupling.groups.count) groups, \(coupling.frozenCounts)")
    let cut = try coupling.removing(removed)
    let cost = try [graph, cut.graph].map {
      try ModelCost($0, registry: .standard, inputShapes: Self.shapes(graph))
    }
    #expect(cost[1].parameters < cost[0].parameters)
    #expect(cost[1].macs < cost[0].macs)
    let proof = try ChannelProof(
      cut, inputs: TensorSet(try Self.feeds(graph, count: 1)),
      engine: Engine(registry: .standard, threads: 2, inputShapes: Self.shapes(graph)))
    #expect(proof.holds, "\(name) at \(ratio): \(proof.errors)")
    let read = try ONNXFormat.parse(try ONNXFormat.serialize(cut.graph), file: name)
    #expect(read.firstDifference(from: cut.graph) == nil)
    // The proof is about something: silencing those channels alters the outputs.
    let whole = try Session(
      graph, registry: .standard, options: SessionOptions(inputShapes: Self.shapes(graph)))
    let feed = try Self.feeds(graph, count: 1)[0]
    let silenced = try Session(
      cut.silenced, registry: .standard, options: SessionOptions(inputShapes: Self.shapes(graph)))
    #expect(try whole.run(feed) != silenced.run(feed))
  }

  @Test(arguments: Architecture.all.map(\.name), [0.3, 0.7])
  func builtInNetworksLoseChannels(name: String, ratio: Double) throws {
    try check(name, ratio: ratio, seed: 1)
  }

  /// Another network than the one that was cut fails the proof.
  @Test func aWrongCutIsFound() throws {
    let graph = try Self.load("yolov8n")
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let removed = Self.choice(coupling, ratio: 0.3, seed: 3)
    var other = removed
    let pair = coupling.groups.indices.lazy.filter { !removed.contains($0) }.compactMap { kept in
      let producers = Set(coupling.groups[kept].members.map(\.producer))
      let twin = removed.sorted().first {
        Set(coupling.groups[$0].members.map(\.producer)) == producers
      }
      return twin.map { (kept, $0) }
    }.first
    let (kept, swapped) = try #require(pair)
    other.remove(swapped)
    other.insert(kept)
    let cut = ChannelCut(
      graph: try coupling.removing(other).graph, silenced: try coupling.removing(removed).silenced)
    let proof = try ChannelProof(
      cut, inputs: TensorSet(try Self.feeds(graph, count: 1)),
      engine: Engine(registry: .standard))
    #expect(!proof.holds)
  }

  @Test func nothingMayBeEmptied() throws {
    let graph = try Self.load("yolov5n")
    let coupling = try ChannelCoupling(graph, registry: .standard)
    #expect(throws: PruningError.self) {
      _ = try coupling.removing(Set(coupling.groups.indices))
    }
  }

  @Test(
    .enabled(if: SharedAssets.isPresent, "\(SharedAssets.absence)"), arguments: shared, [0.3, 0.7])
  func sharedDetectorsLoseChannels(name: String, ratio: Double) throws {
    try check(name, ratio: ratio, seed: 2)
  }
}
