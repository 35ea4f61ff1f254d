import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Weights in files beside the model.
@Suite struct ExternalDataTests {
  let folder: TemporaryFolder
  let model: URL

  init() throws {
    folder = try TemporaryFolder()
    model = folder.url.appending(path: "inner").appending(path: "model.onnx")
    try FileManager.default.createDirectory(
      at: model.deletingLastPathComponent(), withIntermediateDirectories: true)
  }

  /// Writes a model of one int16 weight `[3]` whose elements lie elsewhere.
  func write(_ entries: [(String, String)]) throws {
    let tensor = entries.reduce(WireMessage.tensor("w", type: 5, dims: [3]).number(14, 1)) {
      $0.message(13, WireMessage().text(1, $1.0).text(2, $1.1))
    }
    try Data(WireMessage.model(WireMessage().message(5, tensor)).bytes).write(to: model)
  }

  func put(_ bytes: [UInt8], _ name: String) throws {
    let url = folder.url.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  @Test func offsetAndLengthAreHonoured() throws {
    try put([9, 9, 1, 0, 2, 0, 3, 0, 9], "inner/w.bin")
    try write([("location", "w.bin"), ("offset", "2"), ("length", "6")])
    let graph = try ModelFile.load(model)
    #expect(
      graph.initializers["w"] == Initializer(Tensor([1, 2, 3] as [Int16]), encoding: .external))
  }

  @Test func offsetAndLengthHaveDefaultsAndFoldersAreFollowed() throws {
    try put([1, 0, 2, 0, 3, 0, 9], "inner/deeper/w.bin")
    try write([("location", "deeper/w.bin")])
    #expect(
      try ModelFile.load(model).initializers["w"]?.tensor == Tensor([1, 2, 3] as [Int16]))
  }

  @Test(arguments: [
    ("../w.bin", "outside the model's folder"),
    ("deeper/../../w.bin", "outside the model's folder"),
    ("link.bin", "outside the model's folder"), ("absent.bin", "cannot be read"),
    ("deeper", "cannot be read"), ("", "without a location"),
  ])
  func locationsOutsideAreRefused(location: String, reason: String) throws {
    try put([1, 0, 2, 0, 3, 0], "w.bin")
    try put([], "inner/deeper/x")
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "inner/link.bin"),
      withDestinationURL: folder.url.appending(path: "w.bin"))
    try write([("location", location)])
    let error = try #require(throws: FormatError.self) { try ModelFile.load(model) }
    #expect(error.kind == (location == "absent.bin" ? .noInput : .badData))
    #expect(error.description.contains("initializer 0 'w'"))
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test func anAbsolutePathIsRefusedEvenIntoTheFolder() throws {
    try put([1, 0, 2, 0, 3, 0], "inner/w.bin")
    let absolute = folder.url.appending(path: "inner/w.bin").path
    try write([("location", absolute)])
    #expect(throws: FormatError.self) { try ModelFile.load(model) }
  }

  @Test(arguments: [
    ("-2", "6"), ("2", "6"), ("99", "6"), ("0", "5"), ("0", "-1"), ("x", "6"),
    ("9223372036854775807", "6"), ("0", "9223372036854775807"),
  ])
  func placesThatDoNotFitAreRefused(offset: String, length: String) throws {
    try put([1, 0, 2, 0, 3, 0], "inner/w.bin")
    try write([("location", "w.bin"), ("offset", offset), ("length", length)])
    let error = try #require(throws: FormatError.self) { try ModelFile.load(model) }
    #expect(error.kind == .badData)
    #expect(error.description.contains("'w'"))
  }

  @Test func weightsAreWrittenBesideTheModelFromTheSizeOnThatIsAskedFor() throws {
    let graph = SampleGraph.graph
    try ModelFile.save(graph, to: model, options: .init(externalDataFrom: 150))
    let weights = model.deletingLastPathComponent().appending(path: "model.onnx.data")
    #expect(FileManager.default.fileExists(atPath: weights.path))
    let loaded = try ModelFile.load(model)
    #expect(loaded.firstDifference(from: graph) == nil)
    #expect(loaded.initializers["float32"]?.encoding == .external)
    #expect(loaded.initializers["int8"]?.encoding == .dense)
    let copy = folder.url.appending(path: "copy.onnx")
    try ModelFile.save(loaded, to: copy)
    #expect(try ModelFile.load(copy) == loaded)
    #expect(try RoundTripTests.throughHDF5(loaded) == loaded)
  }

  @Test func anotherModelInTheFolderKeepsItsWeights() throws {
    try ModelFile.save(SampleGraph.graph, to: model, options: .init(externalDataFrom: 1))
    var changed = try ModelFile.load(model)
    changed.initializers["scalar"]?.tensor = Tensor(scalar: Float(-1))
    let other = model.deletingLastPathComponent().appending(path: "other.onnx")
    try ModelFile.save(changed, to: other)
    #expect(try ModelFile.load(model).firstDifference(from: SampleGraph.graph) == nil)
    try ModelFile.save(changed, to: model)
    #expect(try ModelFile.load(model) == changed)
  }
}
