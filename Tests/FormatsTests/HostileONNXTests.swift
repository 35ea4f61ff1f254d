import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Files that are broken or made to do harm are errors that name the place.
@Suite struct HostileONNXTests {
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var bytes: [UInt8]
    /// What the message must contain.
    var expected: [String]

    init(_ name: String, _ bytes: [UInt8], _ expected: String...) {
      (description, self.bytes, self.expected) = (name, bytes, expected)
    }

    init(_ name: String, graph: WireMessage, _ expected: String...) {
      (description, bytes, self.expected) = (name, WireMessage.model(graph).bytes, expected)
    }
  }

  static func tensor(_ dims: [Int], _ raw: [UInt8] = [0, 0, 0, 0]) -> WireMessage {
    WireMessage.tensor("w", type: 1, dims: dims).data(9, raw)
  }

  static func sparse(_ indices: [Int], dims: [Int]) -> WireMessage {
    let values = WireMessage.tensor("w", type: 1, dims: [indices.count])
      .packed(4, littleEndian: [Float](repeating: 1, count: indices.count))
    let places = WireMessage.tensor("", type: 7, dims: [indices.count]).packed(7, indices)
    return dims.reduce(WireMessage().message(1, values).message(2, places)) { $0.number(3, $1) }
  }

  static func nested(_ depth: Int) -> WireMessage {
    var graph = WireMessage()
    for _ in 0..<depth {
      let attribute = WireMessage().text(1, "body").message(6, graph).number(20, 5)
      graph = WireMessage().message(1, WireMessage.node("If", [], ["y"]).message(5, attribute))
    }
    return graph
  }

  static let cases: [Case] = [
    Case("empty", [], "is empty"),
    Case("text", Array("This is not a model.".utf8), "is not an ONNX model"),
    Case("zeros", [UInt8](repeating: 0, count: 4096), "byte 0", "impossible number"),
    Case("endless number", [8] + [UInt8](repeating: 0xff, count: 40), "more than ten bytes"),
    Case("cut number", [8, 0x80], "cut short"),
    Case("wire type", [8 | 7], "wire type 7"),
    Case("no graph", WireMessage().number(1, 8).bytes, "holds no graph"),
    Case(
      "length beyond the end",
      WireMessage().message(7, WireMessage().message(1, WireMessage(bytes: [10, 99, 65]))).bytes,
      "graph, node 0", "99 bytes where 1 are left"),
    Case(
      "length of 2⁶³", [58] + WireMessage.varint(1 << 63), "bytes where 0 are left"),
    Case("no operator", graph: WireMessage().message(1, .node("", [], ["y"])), "node 0"),
    Case(
      "attribute twice",
      graph: WireMessage().message(
        1,
        WireMessage.node("Op", [], ["y"], name: "n")
          .message(5, WireMessage().text(1, "a").number(3, 1).number(20, 2))
          .message(5, WireMessage().text(1, "a").number(3, 1).number(20, 2))),
      "node 0 (Op 'n')", "attribute 'a' twice"),
    Case(
      "attribute without value",
      graph: WireMessage().message(
        1, WireMessage.node("Op", [], ["y"]).message(5, WireMessage().text(1, "a"))),
      "attribute 'a'", "no value"),
    Case(
      "tensor attribute of wrong size",
      graph: WireMessage().message(
        1,
        WireMessage.node("Op", [], ["y"]).message(
          5, WireMessage().text(1, "a").message(5, tensor([2])).number(20, 4))),
      "node 0 (Op ''), attribute 'a'", "float32[2]", "4 bytes"),
    Case("size", graph: WireMessage().message(5, tensor([2])), "'w'", "float32[2]", "4 bytes"),
    Case("negative extent", graph: WireMessage().message(5, tensor([-1])), "'w'", "-1"),
    Case(
      "overflowing extents",
      graph: WireMessage().message(5, tensor([1 << 40, 1 << 40, 1 << 40])), "'w'", "impossible"),
    Case("huge without data", graph: WireMessage().message(5, tensor([1 << 40])), "'w'", "bytes"),
    Case(
      "element type", graph: WireMessage().message(5, .tensor("w", type: 99, dims: [])), "'w'",
      "element type 99"),
    Case("no name", graph: WireMessage().message(5, .tensor("", type: 1, dims: [0])), "no name"),
    Case(
      "initializer twice",
      graph: WireMessage().message(5, tensor([1])).message(5, tensor([1])),
      "initializer 1 'w'", "twice"),
    Case(
      "sparse bomb", graph: WireMessage().message(15, sparse([0], dims: [1 << 40])), "'w'",
      "implausibly"),
    Case(
      "sparse outside", graph: WireMessage().message(15, sparse([4], dims: [2, 2])), "'w'",
      "outside"),
    Case(
      "sparse negative", graph: WireMessage().message(15, sparse([-1], dims: [2, 2])), "'w'",
      "outside"),
    Case(
      "sparse disorder", graph: WireMessage().message(15, sparse([1, 1], dims: [4])), "'w'",
      "ascend"),
    Case(
      "value twice",
      graph: WireMessage().message(1, .node("A", [], ["y"])).message(1, .node("B", [], ["y"])),
      "'y' is made twice", "B"),
    Case(
      "input twice", graph: WireMessage().message(11, .value("x", [])).message(11, .value("x", [])),
      "'x' is made twice"),
    Case(
      "input that is a default twice",
      graph: WireMessage().message(11, .value("w", [])).message(11, .value("w", []))
        .message(5, tensor([1])), "'w' is made twice"),
    Case(
      "cycle",
      graph: WireMessage().message(1, .node("A", ["b"], ["a"], name: "first"))
        .message(1, .node("B", ["a"], ["b"])), "depends on its own output"),
    Case("self", graph: WireMessage().message(1, .node("A", ["a"], ["a"])), "its own output"),
    Case("undefined", graph: WireMessage().message(1, .node("A", ["q"], ["a"])), "'q'"),
    Case("output", graph: WireMessage().message(12, .value("o", [])), "'o'"),
    Case("value extent", graph: WireMessage().message(11, .value("x", [-7])), "input 'x'", "-7"),
    Case("nesting", graph: nested(3000), "nesting too deep"),
    Case(
      "external data of a model in memory",
      graph: WireMessage().message(
        5,
        WireMessage.tensor("w", type: 1, dims: [1]).number(14, 1).message(
          13, WireMessage().text(1, "location").text(2, "w.bin"))), "'w'", "w.bin"),
    Case(
      "two versions",
      WireMessage.model(WireMessage()).message(8, WireMessage().number(2, 9)).bytes,
      "two versions"),
    Case(
      "metadata twice",
      WireMessage.model(WireMessage()).message(14, WireMessage().text(1, "k"))
        .message(14, WireMessage().text(1, "k")).bytes, "metadata 'k'"),
    Case(
      "text that is not UTF-8", graph: WireMessage().data(2, [0xff, 0xfe]), "is not an ONNX model"),
  ]

  @Test(arguments: cases)
  func theMessageNamesFileAndPlace(sample: Case) throws {
    let error = try #require(throws: FormatError.self) {
      try ONNXFormat.parse(Data(sample.bytes), file: "hostile.onnx")
    }
    #expect(error.kind == .badData)
    for text in ["hostile.onnx"] + sample.expected {
      #expect(error.description.contains(text), "\(error) lacks \(text)")
    }
  }

  @Test func everyPrefixOfAModelIsAnError() throws {
    let data = try ONNXFormat.serialize(SampleGraph.graph)
    for count in stride(from: 0, to: data.count, by: 7) {
      // A cut between two fields of the model can leave a well-formed smaller model.
      do {
        try ONNXFormat.parse(data.prefix(count), file: "cut").verify()
      } catch let error as FormatError {
        #expect(error.kind == .badData)
      }
    }
  }

  @Test func nodesInAnyOrderAreSorted() throws {
    let graph = WireMessage().message(1, .node("B", ["a"], ["b"])).message(1, .node("A", [], ["a"]))
    let parsed = try ONNXFormat.parse(Data(WireMessage.model(graph).bytes), file: "order")
    #expect(parsed.nodes.map(\.opType) == ["A", "B"])
  }
}
