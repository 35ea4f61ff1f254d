import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct NPYTests {
  /// What NumPy writes for a header, an array of the given bytes after it.
  static func file(_ header: String, _ body: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let width = version == 1 ? 2 : 4
    let length = (0..<width).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + body
  }

  @Test func allVersionsAreRead() throws {
    let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1), }\n"
    for version in [1, 2, 3] as [UInt8] {
      let tensor = try NPYFormat.parse(
        Self.file(header, [1, 0, 0xff, 0xff], version: version), file: "a.npy")
      #expect(tensor == Tensor([1, -1] as [Int16], shape: [2, 1]))
    }
  }

  @Test(arguments: [
    ElementType.float32, .float64, .float16, .int8, .int16, .int32, .int64, .uint8, .uint16,
    .uint32, .uint64, .bool,
  ])
  func tensorsSurvive(type: ElementType) throws {
    for shape in [[], [0], [5], [2, 3, 4]] {
      let tensor = SampleGraph.tensor(type, shape)
      let data = try NPYFormat.serialize(tensor)
      #expect(try NPYFormat.parse([UInt8](data), file: "a.npy") == tensor)
      #expect((data.count - tensor.byteCount) % 64 == 0)
    }
  }

  @Test func typesThatNumPyLacksAreNamed() {
    #expect(throws: NPYError.elementType("the tensor", "bfloat16")) {
      try NPYFormat.serialize(Tensor(zeros: TensorType(.bfloat16, [1])))
    }
  }

  @Test(arguments: [
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "nonsense", "",
  ])
  func brokenHeadersAreErrors(header: String) {
    #expect(throws: NPYError.self) {
      try NPYFormat.parse(Self.file(header, [0, 0, 0, 0]), file: "a.npy")
    }
  }

  @Test func everyPrefixIsAnError() throws {
    let data = [UInt8](try NPYFormat.serialize(SampleGraph.tensor(.float32, [3])))
    for count in data.indices {
      #expect(throws: NPYError.self) { try NPYFormat.parse(Array(data.prefix(count)), file: "a") }
    }
  }
}
