import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// HDF5 files that are broken, foreign, or forged under a valid checksum.
@Suite struct HostileHDF5Tests {
  static let userBlock = 512

  /// The bytes with a user block that fits them again.
  static func sealed(_ file: Data) -> Data {
    let body = file.dropFirst(userBlock)
    var head = file.prefix(16)
    withUnsafeBytes(of: UInt64(body.count).littleEndian) { head.append(contentsOf: $0) }
    head.append(contentsOf: Digest.sha256(body))
    head.append(Data(count: userBlock - head.count))
    return head + body
  }

  func expectError(_ data: Data, _ texts: String...) throws {
    let error = try #require(throws: FormatError.self) {
      try HDF5Format.parse(data, file: "hostile.h5")
    }
    #expect(error.kind == .badData)
    for text in ["hostile.h5"] + texts {
      #expect(error.description.contains(text), "\(error) lacks \(text)")
    }
  }

  @Test func damageIsNamed() throws {
    var data = try HDF5Format.serialize(SampleGraph.sparse)
    try expectError(data.dropLast(), "cut short")
    try expectError(data.prefix(100), "cut short")
    try expectError(data + [0], "appended")
    data[data.count / 2] ^= 1
    try expectError(data, "checksum")
    try expectError(Data([0x89]) + Data("HDF\r\n\u{1a}\n foreign".utf8), "did not write")
  }

  @Test func aKerasModelIsNamedAsSuch() throws {
    try expectError(
      Data([0x89]) + Data("HDF\r\n\u{1a}\n and model_config".utf8), "Keras", "tf2onnx")
  }

  @Test func aMissingDatasetIsNamed() throws {
    var graph = Graph(name: "g", initializers: ["weight": Initializer(Tensor([1] as [Float]))])
    graph.properties.metadata = ["k": "v"]
    var data = try HDF5Format.serialize(graph)
    let name = Data("weight\0".utf8)
    while let range = data.dropFirst(Self.userBlock).range(of: name) {
      data.replaceSubrange(range, with: Data("wEIGHT\0".utf8))
    }
    try expectError(Self.sealed(data), "initializers/weight", "missing")
  }

  @Test func aDatasetOfAnotherShapeIsNamed() throws {
    let graph = Graph(
      name: "g", initializers: ["weight": Initializer(Tensor([Float](repeating: 1, count: 77)))])
    var data = try HDF5Format.serialize(graph)
    let extent = Data([77, 0, 0, 0, 0, 0, 0, 0])
    let body = data.dropFirst(Self.userBlock)
    let range = try #require(body.range(of: extent))
    data.replaceSubrange(range, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0])
    try expectError(Self.sealed(data), "initializers/weight")
  }

  @Test func aMaskThatDoesNotFitIsNamed() throws {
    let graph = SampleGraph.sparse
    var data = try HDF5Format.serialize(graph)
    // A short mask lies in the file as it is: that of 420 elements of which every fifth is set.
    let mask = Data([0x21, 0x84, 0x10, 0x42, 0x08])
    let range = try #require(data.dropFirst(Self.userBlock).range(of: mask))
    data[range.lowerBound] ^= 2
    try expectError(Self.sealed(data), "initializers/", "mask")
  }

  @Test func aWeightOfZerosTakesNoRoom() throws {
    let zeros = Tensor(zeros: TensorType(.float32, [1_000_000]))
    let graph = Graph(name: "zeros", initializers: ["w": Initializer(zeros)])
    let data = try HDF5Format.serialize(graph)
    #expect(data.count < 10_000)
    #expect(try HDF5Format.parse(data, file: "zeros") == graph)
  }
}
