import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// A network of `Tools/goldens/make_network_goldens.py` with what ONNX Runtime computed.
struct NetworkGolden: Sendable, CustomTestStringConvertible {
  private struct Entry: Decodable {
    struct Array: Decodable {
      var name: String?
      var shape: [Int]
      var offset: Int
    }
    var name: String
    var input: Array
    var outputs: [Array]
  }

  var testDescription: String
  var graph: Graph
  var image: Tensor
  var outputs: [String: Tensor]

  static let folder = SharedAssets.package.appending(path: "Tests/Goldens/Networks")

  static func load() throws -> [NetworkGolden] {
    let entries = try JSONDecoder().decode(
      [Entry].self, from: Data(contentsOf: folder.appending(path: "networks.json")))
    let data = try Data(contentsOf: folder.appending(path: "networks.bin"))
    func tensor(_ array: Entry.Array) -> Tensor {
      let type = TensorType(.float32, array.shape)
      return data[array.offset..<array.offset + type.byteCount].withUnsafeBytes {
        Tensor(bytes: $0, type: type)
      }
    }
    return try entries.map { entry in
      NetworkGolden(
        testDescription: entry.name,
        graph: try ModelFile.load(folder.appending(path: "\(entry.name).onnx")),
        image: tensor(entry.input),
        outputs: Dictionary(
          uniqueKeysWithValues: entry.outputs.map { ($0.name ?? "", tensor($0)) }))
    }
  }
}

/// Whole networks of detectors' building blocks agree with ONNX Runtime.
struct NetworkGoldenTests {
  static let goldens = (try? NetworkGolden.load()) ?? []

  @Test func goldensCanBeRead() throws {
    #expect(try NetworkGolden.load().count == 5)
  }

  @Test(arguments: goldens) func outputsAgreeWithONNXRuntime(golden: NetworkGolden) throws {
    for (threads, passes) in [(1, []), (2, StandardRewrites.inference)] {
      let session = try Session(
        golden.graph, registry: .standard,
        options: SessionOptions(
          threads: threads, inputShapes: ["image": golden.image.shape], passes: passes))
      let outputs = try session.run(["image": golden.image])
      for (name, expected) in golden.outputs {
        let found = try #require(outputs[name])
        #expect(found.type == expected.type)
        let error = normalizedMaxError(found.doubles, expected.doubles)
        #expect(error <= Tolerance.network.bound, "\(name) with \(passes.count) rewrites")
      }
    }
  }

  @Test(arguments: goldens) func sessionsAgreeWithTheReference(golden: NetworkGolden) throws {
    var graph = golden.graph
    graph.inputs[0].type = ValueType(golden.image.type)
    #expect(try SessionCheck(graph: graph, feed: ["image": golden.image]).problem() == nil)
  }

  @Test(arguments: goldens) func aBatchIsItsImagesOneByOne(golden: NetworkGolden) throws {
    let shape = golden.image.shape
    guard shape[0] > 1 else { return }
    let single = try Session(
      golden.graph, registry: .standard,
      options: SessionOptions(inputShapes: ["image": [1] + shape[1...]]))
    let elements = golden.image.elements(as: Float.self)
    let size = elements.count / shape[0]
    for index in 0..<shape[0] {
      let image = Tensor(
        Array(elements[index * size..<(index + 1) * size]), shape: [1] + shape[1...])
      for (name, output) in try single.run(["image": image]) {
        let expected = try #require(golden.outputs[name]).doubles
        let part = expected[index * output.count..<(index + 1) * output.count]
        #expect(normalizedMaxError(output.doubles, part) <= Tolerance.network.bound)
      }
    }
  }
}
