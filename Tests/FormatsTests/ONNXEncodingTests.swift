import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Each way in which a file may give the elements of a tensor, and what must come through unseen.
@Suite struct ONNXEncodingTests {
  /// A message with typed fields and the tensor it stands for.
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var message: WireMessage
    var expected: Tensor

    init(_ name: String, code: Int, _ expected: Tensor, _ fill: (WireMessage) -> WireMessage) {
      description = name
      message = fill(.tensor("w", type: code, dims: expected.shape))
      self.expected = expected
    }
  }

  static let bytes: [UInt8] = [0x00, 0x7f, 0x80, 0xff]

  static func raw(_ type: ElementType, _ count: Int) -> Tensor {
    bytes.withUnsafeBytes { Tensor(bytes: $0, type: TensorType(type, [count])) }
  }

  static let typed: [Case] = [
    Case("float32", code: 1, Tensor([1, -0.0, .nan] as [Float])) {
      $0.packed(4, littleEndian: [1, -0.0, .nan] as [Float])
    },
    Case("float64", code: 11, Tensor([1, -0.0] as [Double])) {
      $0.packed(10, littleEndian: [1, -0.0] as [Double])
    },
    Case("int8", code: 3, Tensor([-128, 127] as [Int8])) { $0.packed(5, [-128, 127]) },
    Case("uint8", code: 2, Tensor([0, 255] as [UInt8])) { $0.packed(5, [0, 255]) },
    Case("int16", code: 5, Tensor([-32768, 9] as [Int16])) { $0.packed(5, [-32768, 9]) },
    Case("uint16", code: 4, Tensor([65535, 9] as [UInt16])) { $0.packed(5, [65535, 9]) },
    Case("int32", code: 6, Tensor([.min, 9] as [Int32])) { $0.packed(5, [Int(Int32.min), 9]) },
    Case("int64", code: 7, Tensor([.min, .max] as [Int64])) { $0.packed(7, [.min, .max]) },
    Case("uint32", code: 12, Tensor([.max, 9] as [UInt32])) { $0.packed(11, [0xffff_ffff, 9]) },
    Case("uint64", code: 13, Tensor([.max, 9] as [UInt64])) { $0.packed(11, [-1, 9]) },
    Case("bool", code: 9, Tensor([true, false, true])) { $0.packed(5, [1, 0, 2]) },
    Case("float16", code: 10, Tensor([1.5, -0.0] as [Float16])) { $0.packed(5, [0x3e00, 0x8000]) },
    Case("bfloat16", code: 16, Tensor([BFloat16(bits: 0x3fc0), BFloat16(bits: 0x8000)])) {
      $0.packed(5, [0x3fc0, 0x8000])
    },
    Case("float8e4m3fn", code: 17, raw(.float8e4m3fn, 4)) { $0.packed(5, bytes.map { Int($0) }) },
    Case("float8e4m3fnuz", code: 18, raw(.float8e4m3fnuz, 4)) {
      $0.packed(5, bytes.map { Int($0) })
    },
    Case("float8e5m2", code: 19, raw(.float8e5m2, 4)) { $0.packed(5, bytes.map { Int($0) }) },
    Case("float8e5m2fnuz", code: 20, raw(.float8e5m2fnuz, 4)) {
      $0.packed(5, bytes.map { Int($0) })
    },
    Case("uint4", code: 21, raw(.uint4, 7)) { $0.packed(5, bytes.map { Int($0) }) },
    Case("int4", code: 22, raw(.int4, 8)) { $0.packed(5, bytes.map { Int($0) }) },
    Case("string", code: 8, Tensor(strings: [[0xff], []], shape: [2])) {
      $0.data(6, [0xff]).data(6, [])
    },
    Case(
      "complex64", code: 14,
      ([1, 2, 3, 4] as [Float]).withUnsafeBytes { Tensor(bytes: $0, type: .init(.complex64, [2])) }
    ) { $0.packed(4, littleEndian: [1, 2, 3, 4] as [Float]) },
    Case(
      "complex128", code: 15,
      ([1, 2] as [Double]).withUnsafeBytes { Tensor(bytes: $0, type: .init(.complex128, [1])) }
    ) { $0.packed(10, littleEndian: [1, 2] as [Double]) },
    Case("unpacked", code: 7, Tensor([5, -6] as [Int64])) { $0.number(7, 5).number(7, -6) },
    Case("raw booleans other than 0 and 1", code: 9, Tensor([true, false, true])) {
      $0.data(9, [2, 0, 255])
    },
    Case("raw in vain beside typed", code: 6, Tensor([4] as [Int32])) {
      $0.data(9, []).packed(5, [4])
    },
  ]

  @Test(arguments: typed)
  func typedFieldsGiveTheirElements(sample: Case) throws {
    let model = WireMessage.model(WireMessage().message(5, sample.message))
    let graph = try ONNXFormat.parse(Data(model.bytes), file: "typed")
    #expect(graph.initializers["w"]?.tensor == sample.expected)
    #expect(try RoundTripTests.throughONNX(graph) == graph)
  }

  @Test func everyElementTypeHasATypedCase() {
    let covered = Set(Self.typed.map(\.expected.elementType))
    #expect(covered == Set(ElementType.allCases))
  }

  @Test func sparseInitializersByAxisAndByPlaceAgree() throws {
    func sparse(_ indices: WireMessage) -> WireMessage {
      WireMessage().message(
        1, .tensor("w", type: 1, dims: [2]).packed(4, littleEndian: [5, 6] as [Float])
      ).message(2, indices).number(3, 2).number(3, 3)
    }
    let expected = Tensor([0, 5, 0, 0, 0, 6] as [Float], shape: [2, 3])
    for indices in [
      WireMessage.tensor("", type: 7, dims: [2]).packed(7, [1, 5]),
      WireMessage.tensor("", type: 7, dims: [2, 2]).packed(7, [0, 1, 1, 2]),
    ] {
      let model = WireMessage.model(WireMessage().message(15, sparse(indices)))
      let graph = try ONNXFormat.parse(Data(model.bytes), file: "sparse")
      #expect(graph.initializers["w"] == Initializer(expected, encoding: .sparse))
    }
  }

  /// The bytes that a file says beyond the graph: an unknown field in each message on the way to a
  /// tensor.
  @Test func unknownFieldsEmptyFieldsAndTensorNamesReturnToTheFile() throws {
    let unknown = "unknown field"
    let tensor = WireMessage().number(1, 1).number(2, 1).text(8, "inner")
      .packed(9, littleEndian: [3] as [Float]).text(12, "comment").text(90, unknown)
    let attribute = WireMessage().text(1, "value").message(5, tensor).text(13, "")
      .number(20, 4).text(91, unknown)
    let node = WireMessage.node("Constant", [], ["c"]).message(5, attribute).text(6, "")
      .text(7, "").message(9, WireMessage().text(1, "key").text(2, "value")).text(92, unknown)
    let weight = WireMessage.tensor("w", type: 1, dims: [1]).text(12, "")
      .packed(9, littleEndian: [4] as [Float]).number(14, 0)
      .message(16, WireMessage().text(1, "key").text(2, "value")).text(93, unknown)
    let dimension = WireMessage().number(1, 1).text(3, "DATA_BATCH")
    let type = WireMessage().message(
      1, WireMessage().number(1, 1).message(2, WireMessage().message(1, dimension)))
    let output = WireMessage().text(1, "c").message(2, type.text(6, "IMAGE")).text(3, "")
    let graph = WireMessage().message(1, node).text(2, "").message(5, weight).text(10, "")
      .message(12, output).message(14, WireMessage().text(1, "w")).text(94, unknown)
    let function = WireMessage().text(1, "twice").text(4, "a").text(5, "b").message(
      7, .node("Add", ["a", "a"], ["b"])
    ).text(10, "org.example").text(95, unknown)
    let training = WireMessage().message(1, WireMessage().text(2, "init"))
    let model = WireMessage.model(graph).number(5, 0).text(6, "").message(20, training)
      .message(25, function).text(96, unknown)
    let first = try ONNXFormat.parse(Data(model.bytes), file: "first")
    #expect(first.properties.functions.map(\.name) == ["twice"])
    let written = try ONNXFormat.serialize(first)
    #expect(try ONNXFormat.parse(written, file: "second") == first)
    // Fields may change places; none may go. Only the domain of the operator set is added: two
    // bytes.
    #expect(written.count == model.bytes.count + 2)
    for text in [unknown, "inner", "comment", "IMAGE", "DATA_BATCH", "key", "value", "init"] {
      #expect(
        [UInt8](written).split(separator: Array(text.utf8)).count
          == model.bytes.split(separator: Array(text.utf8)).count, "\(text)")
    }
    let viaHDF5 = try ONNXFormat.serialize(RoundTripTests.throughHDF5(first))
    #expect(viaHDF5 == written)
  }

  @Test func theTypeOfAnUnknownExtentMayBeMinusOne() throws {
    let model = WireMessage.model(WireMessage().message(11, .value("x", [-1, 3])))
    let graph = try ONNXFormat.parse(Data(model.bytes), file: "negative")
    #expect(graph.inputs[0].type == .tensor(.float32, shape: [.unknown, .fixed(3)]))
    #expect(try ONNXFormat.serialize(graph).count == model.bytes.count + 2)
  }

  @Test func attributesOfOldFilesShowTheirKindByTheirField() throws {
    let node = WireMessage.node("Old", [], ["y"])
      .message(5, WireMessage().text(1, "axis").number(3, 2))
      .message(5, WireMessage().text(1, "pads").number(8, 1).number(8, 2))
    let model = WireMessage.model(WireMessage().message(1, node))
    let graph = try ONNXFormat.parse(Data(model.bytes), file: "old")
    #expect(graph.nodes[0].attributes == ["axis": .int(2), "pads": .ints([1, 2])])
  }
}
