import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Damaged files end in a typed error or in a graph that is well-formed, bounded and can be written
/// again.
@Suite struct MutationTests {
  /// Mutations of each kind and file; `COMPRESS_MUTATIONS` raises it for a long hunt.
  static let count =
    ProcessInfo.processInfo.environment["COMPRESS_MUTATIONS"].flatMap { Int($0) } ?? 300

  /// Checks one damaged file.
  static func check(_ data: Data, _ label: String, _ parse: (Data, String) throws -> Graph) {
    let graph: Graph
    do {
      graph = try parse(data, label)
    } catch let error as FormatError {
      #expect(error.kind == .badData, "\(error)")
      #expect(error.description.hasPrefix("\(label): "), "\(error)")
      return
    } catch {
      Issue.record("\(label): an error without a file: \(error)")
      return
    }
    let bytes = graph.initializers.values.reduce(0) { $0 + $1.tensor.byteCount }
    #expect(bytes <= (256 << 20) + 64 * data.count, "\(label)")
    do {
      try graph.verify()
      let copy = try ONNXFormat.parse(try ONNXFormat.serialize(graph), file: label)
      #expect(copy.firstDifference(from: graph) == nil, "\(label)")
    } catch {
      Issue.record("\(label): read, but not to be written again: \(error)")
    }
  }

  static func hunt(
    _ data: Data, _ mutation: Mutation, from start: Int = 0, count: Int = count,
    seal: (Data) -> Data = { $0 }, _ parse: (Data, String) throws -> Graph
  ) {
    for seed in 0..<count {
      var random = SplitMix64(seed: UInt64(seed))
      let damaged = seal(mutation.apply(to: data, from: start, using: &random))
      check(damaged, "\(mutation)-\(seed)", parse)
    }
  }

  @Test(arguments: Mutation.allCases)
  func aDamagedONNXFile(mutation: Mutation) throws {
    for graph in [SampleGraph.graph, SampleGraph.sparse] {
      Self.hunt(try ONNXFormat.serialize(graph), mutation) { try ONNXFormat.parse($0, file: $1) }
    }
  }

  @Test(arguments: Mutation.allCases)
  func aDamagedHDF5File(mutation: Mutation) throws {
    let data = try HDF5Format.serialize(SampleGraph.sparse)
    Self.hunt(data, mutation, count: 20) { try HDF5Format.parse($0, file: $1) }
  }

  @Test(arguments: Mutation.allCases)
  func aForgedHDF5FileWithAValidChecksum(mutation: Mutation) throws {
    var large = SampleGraph.sparse
    large.initializers["large"] = Initializer(SampleGraph.tensor(.float32, [2, 50_000]))
    for graph in [SampleGraph.graph, SampleGraph.sparse, large] {
      Self.hunt(
        try HDF5Format.serialize(graph), mutation, from: HostileHDF5Tests.userBlock,
        seal: HostileHDF5Tests.sealed
      ) { try HDF5Format.parse($0, file: $1) }
    }
  }

  @Test(.enabled(if: SharedAssets.isPresent, "../shared is absent"), arguments: Mutation.allCases)
  func aDamagedDetector(mutation: Mutation) throws {
    let url = SharedAssets.model("ultraface_rfb_320_bn.onnx")
    let data = try Data(contentsOf: url)
    Self.hunt(data, mutation, count: Self.count / 10) { try ONNXFormat.parse($0, file: $1) }
    let hdf5 = try HDF5Format.serialize(try ModelFile.load(url))
    Self.hunt(
      hdf5, mutation, from: HostileHDF5Tests.userBlock, count: Self.count / 10,
      seal: HostileHDF5Tests.sealed
    ) { try HDF5Format.parse($0, file: $1) }
  }
}
