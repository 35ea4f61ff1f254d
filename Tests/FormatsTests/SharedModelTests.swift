import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// Real files survive reading and writing in both formats.
@Suite(.enabled(if: SharedAssets.isPresent, "../shared is absent"))
struct SharedModelTests {
  @Test(arguments: SharedAssets.models)
  func onnxIsExact(model: URL) throws {
    let graph = try ModelFile.load(model)
    let data = try ONNXFormat.serialize(graph)
    #expect(try ONNXFormat.parse(data, file: "copy") == graph)
  }

  @Test(arguments: SharedAssets.models)
  func hdf5IsExactAndDeterministic(model: URL) throws {
    let folder = try TemporaryFolder()
    let graph = try ModelFile.load(model)
    let (first, second) = (
      folder.url.appending(path: "a.h5"), folder.url.appending(path: "b.h5")
    )
    try ModelFile.save(graph, to: first)
    try ModelFile.save(graph, to: second)
    #expect(try ModelFile.load(first) == graph)
    #expect(try Data(contentsOf: first) == Data(contentsOf: second))
  }

  @Test(arguments: ["keras_mobilenet_v1_0.25_96.h5", "keras_mini_xception.hdf5"])
  func aKerasFileIsNamedAsSuch(name: String) {
    #expect(throws: FormatError.self) { try ModelFile.load(SharedAssets.model(name)) }
  }
}
