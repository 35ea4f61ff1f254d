import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Files as the system sees them: absent, folders, unwritable, replaced.
@Suite struct ModelFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func url(_ name: String) -> URL { folder.url.appending(path: name) }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
  }

  @Test func anAbsentFileIsNamed() throws {
    let error = try #require(throws: FormatError.self) { try ModelFile.load(url("absent.onnx")) }
    #expect(error.kind == .noInput)
    #expect(error.description.contains("absent.onnx"))
  }

  @Test func aFolderAndADeviceAreNotModels() throws {
    for path in [folder.url, URL(filePath: "/dev/zero")] {
      let error = try #require(throws: FormatError.self) { try ModelFile.load(path) }
      #expect(error.kind == .badData)
    }
  }

  @Test func theContentTellsTheFormatNotTheName() throws {
    try ModelFile.save(SampleGraph.sparse, to: url("a.h5"))
    try FileManager.default.moveItem(at: url("a.h5"), to: url("a.onnx"))
    #expect(try ModelFile.load(url("a.onnx")) == SampleGraph.sparse)
  }

  @Test func everyFormatKeepsAGraphUnderEachOfItsEndings() throws {
    let endings = ModelFormat.all.flatMap(\.endings)
    #expect(Set(endings).count == endings.count && Set(endings) == Set(ModelFile.endings))
    for ending in endings {
      let place = url("model.\(ending)")
      #expect(ModelFormat.named(by: place)?.endings.contains(ending) == true)
      try ModelFile.save(SampleGraph.sparse, to: place)
      #expect(try ModelFile.load(place) == SampleGraph.sparse, "\(ending)")
    }
    #expect(ModelFormat.named(by: url("model.txt")) == nil)
    #expect(ModelFormat.written(to: url("model.txt")).name == ModelFormat.onnx.name)
    #expect(ModelFormat.ending(like: url("model.H5")) == "H5")
    #expect(ModelFormat.ending(like: url("model.txt")) == "onnx")
  }

  @Test func aFileIsReplacedWholeAndNothingElseStays() throws {
    try AtomicFile.write(Data([1]), to: url("new/file"))
    try AtomicFile.write(Data([2, 3]), to: url("new/file"))
    #expect(try Data(contentsOf: url("new/file")) == Data([2, 3]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: url("new").path) == ["file"])
  }

  @Test func whenWritingFailsTheOldFileStays() throws {
    struct Interruption: Error {}
    try AtomicFile.write(Data([1]), to: url("file"))
    #expect(throws: Interruption.self) {
      try AtomicFile.replace(url("file")) { temporary in
        try Data([9, 9]).write(to: temporary)
        throw Interruption()
      }
    }
    #expect(try Data(contentsOf: url("file")) == Data([1]))
    #expect(try names == ["file"])
  }

  @Test func aLinkIsFollowed() throws {
    try AtomicFile.write(Data([1]), to: url("target"))
    try FileManager.default.createSymbolicLink(
      at: url("link"), withDestinationURL: url("target"))
    try AtomicFile.write(Data([2]), to: url("link"))
    #expect(try Data(contentsOf: url("target")) == Data([2]))
    #expect(try names == ["link", "target"])
  }

  @Test func foldersDevicesAndPathsThroughFilesAreRefused() throws {
    try AtomicFile.write(Data([1]), to: url("file"))
    for (target, reason) in [
      (folder.url, "is a folder"), (URL(filePath: "/dev/null"), "not a regular file"),
      (url("file/below"), "cannot be made"),
    ] {
      let error = try #require(throws: FormatError.self) {
        try AtomicFile.write(Data([2]), to: target)
      }
      #expect(error.kind == .inputOutput)
      #expect(error.description.contains(reason), "\(error)")
    }
    #expect(try names == ["file"])
  }

  @Test func theErrorOfAFullDeviceNamesTheFile() throws {
    for name in ["model.onnx", "model.h5"] {
      let error = try #require(throws: FormatError.self) {
        try AtomicFile.replace(url(name)) { temporary in
          throw FormatError(.inputOutput, file: temporary.path, reason: "cannot be written")
        }
      }
      #expect(error.file == url(name).path)
    }
  }
}
