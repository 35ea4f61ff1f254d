import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// What may be written where, and what is left of it.
@Suite struct AtomicFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func url(_ name: String) -> URL { folder.url.appending(path: name) }

  /// A graph with a weight that may lie beside the model.
  private let graph: Graph = {
    var graph = Graph(name: "weights")
    graph[constant: "w"] = Tensor([Float](repeating: 0.5, count: 64), shape: [64])
    return graph
  }()

  private func names(_ name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url(name).path).sorted()
  }

  private func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: url(name).path, withDestinationPath: target)
  }

  private func status(_ name: String) throws -> stat {
    var status = stat()
    try #require(stat(url(name).path, &status) == 0)
    return status
  }

  private func fault(_ name: String) throws -> FormatError {
    try #require(throws: FormatError.self) { try AtomicFile.write(Data([9]), to: url(name)) }
  }

  // MARK: Links

  @Test func aLinkToNowhereIsWrittenThrough() throws {
    try FileManager.default.createDirectory(at: url("in"), withIntermediateDirectories: true)
    try link("in/link", to: "../made/file")
    try AtomicFile.write(Data([1]), to: url("in/link"))
    #expect(try Data(contentsOf: url("made/file")) == Data([1]))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: url("in/link").path)
        == "../made/file")
    #expect(try names("in") == ["link"] && names("made") == ["file"])
  }

  @Test func chainsOfLinksAreFollowedAndLoopsRefused() throws {
    try AtomicFile.write(Data([1]), to: url("deep/file"))
    try link("folder", to: "deep")
    try link("one", to: "folder/../deep/file")
    try link("two", to: url("one").path)
    try AtomicFile.write(Data([2]), to: url("two"))
    #expect(try Data(contentsOf: url("deep/file")) == Data([2]))
    #expect(try names() == ["deep", "folder", "one", "two"] && names("deep") == ["file"])
    try link("loop", to: "loop")
    #expect(try fault("loop").kind == .inputOutput)
  }

  @Test func pipesAndStreamsAreRefused() throws {
    #expect(mkfifo(url("pipe").path, 0o600) == 0)
    try link("stream", to: "/proc/self/fd/1")
    for path in [url("pipe"), url("stream"), URL(filePath: "/dev/stdout"), folder.url] {
      for attempt in [{ try AtomicFile.check(path) }, { try AtomicFile.write(Data(), to: path) }] {
        let error = try #require(throws: FormatError.self) { try attempt() }
        #expect(error.kind == .inputOutput && error.file == path.path, "\(error)")
      }
    }
    #expect(try names() == ["pipe", "stream"])
  }

  // MARK: Modes

  @Test func aReplacedFileKeepsItsModeAndOwner() throws {
    for mode in [0o640, 0o755, 0o600, 0o444] as [mode_t] {
      try Data([1]).write(to: url("file"))
      #expect(chmod(url("file").path, mode) == 0)
      if getuid() == 0 { #expect(chown(url("file").path, 1234, 4321) == 0) }
      guard access(url("file").path, W_OK) == 0 else { continue }
      try AtomicFile.write(Data([2]), to: url("file"))
      let status = try status("file")
      #expect(status.st_mode & 0o7777 == mode)
      if getuid() == 0 { #expect(status.st_uid == 1234 && status.st_gid == 4321) }
      #expect(unlink(url("file").path) == 0)
    }
  }

  /// While it is written the file is as closed as the one it replaces.
  @Test func aHalfWrittenFileShowsNothing() throws {
    try Data([1]).write(to: url("file"))
    #expect(chmod(url("file").path, 0o600) == 0)
    try AtomicFile.replace(url("file")) { temporary in
      try AtomicFile.create(temporary) { _ in }
      #expect(try status(temporary.lastPathComponent).st_mode & 0o077 == 0)
    }
  }

  @Test func aNewFileHonoursTheUmask() throws {
    let lines = try InputFile.text(URL(filePath: "/proc/self/status")).split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix("Umask:") })
    let umask = try #require(
      mode_t(line.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8))
    try AtomicFile.write(Data([1]), to: url("file"))
    #expect(try status("file").st_mode & 0o777 == 0o666 & ~umask)
  }

  // MARK: What was read

  @Test func whatWasReadIsReplacedUnderNoName() throws {
    try Data([1]).write(to: url("model"))
    try FileManager.default.createDirectory(at: url("sub"), withIntermediateDirectories: true)
    try link("link", to: "model")
    try link("sub/up", to: "../link")
    try link("folder", to: ".")
    #expect(Foundation.link(url("model").path, url("hard").path) == 0)
    #expect(try InputFile.data(url("sub/up")) == Data([1]))
    for name in ["model", "link", "sub/up", "folder/model", "sub/../model", "hard"] {
      #expect(try fault(name).kind == .conflict, "\(name)")
      #expect(throws: FormatError.self) { try AtomicFile.check(url(name)) }
    }
    #expect(try Data(contentsOf: url("model")) == Data([1]))
    // Whoever replaces it meanwhile does not make it ours.
    try Data([2]).write(to: url("other"))
    #expect(rename(url("other").path, url("model").path) == 0)
    #expect(try fault("model").kind == .conflict)
  }

  @Test func whatThisProcessWroteAndItsStateMayBeReplaced() throws {
    try AtomicFile.write(Data([1]), to: url("result"))
    #expect(try InputFile.data(url("result")) == Data([1]))
    try AtomicFile.write(Data([2]), to: url("result"))
    try Data([1]).write(to: url("state"))
    _ = try InputFile.data(url("state"))
    InputFile.release(url("state"))
    try AtomicFile.write(Data([2]), to: url("state"))
    #expect(try Data(contentsOf: url("state")) == Data([2]))
  }

  @Test func externalDataThatWasReadIsNotReplaced() throws {
    try ModelFile.save(
      graph, to: url("a.onnx"), options: .init(externalDataFrom: 0))
    // Another process put them there, as far as this one knows.
    try FileManager.default.createDirectory(at: url("in"), withIntermediateDirectories: true)
    let bytes = try Data(contentsOf: url("a.onnx.data"))
    try bytes.write(to: url("in/a.onnx.data"))
    try Data(contentsOf: url("a.onnx")).write(to: url("in/model.onnx"))
    let split = try ModelFile.load(url("in/model.onnx"))
    let error = try #require(throws: FormatError.self) {
      try ModelFile.save(split, to: url("in/a.onnx"), options: .init(externalDataFrom: 0))
    }
    #expect(error.kind == .conflict && error.file == url("in/a.onnx.data").path, "\(error)")
    #expect(try names("in") == ["a.onnx.data", "model.onnx"])
    #expect(try Data(contentsOf: url("in/a.onnx.data")) == bytes)
  }

  // MARK: What fails

  @Test(arguments: ["new/model.onnx", "new/model.h5", "new/below/model.onnx"])
  func aCheckThatFailsLeavesNothing(name: String) throws {
    struct Refusal: Error {}
    for externalDataFrom in [nil, 0] as [Int?] {
      #expect(throws: Refusal.self) {
        try ModelFile.save(
          graph, to: url(name), options: .init(externalDataFrom: externalDataFrom)
        ) { written in
          #expect(written.firstDifference(from: graph) == nil)
          throw Refusal()
        }
      }
      #expect(try names() == [])
    }
  }

  @Test func aCheckThatFailsLeavesTheOldFile() throws {
    struct Refusal: Error {}
    try AtomicFile.write(Data([1]), to: url("model.onnx"))
    try AtomicFile.write(Data([2]), to: url("model.onnx.data"))
    #expect(throws: Refusal.self) {
      try ModelFile.save(
        graph, to: url("model.onnx"), options: .init(externalDataFrom: 0)
      ) { _ in throw Refusal() }
    }
    #expect(try Data(contentsOf: url("model.onnx")) == Data([1]))
    #expect(try Data(contentsOf: url("model.onnx.data")) == Data([2]))
    #expect(try names() == ["model.onnx", "model.onnx.data"])
  }

  // MARK: Files of dead processes

  @Test func temporaryFilesOfDeadProcessesGo() throws {
    let dead = Process()
    dead.executableURL = URL(filePath: "/bin/true")
    try dead.run()
    dead.waitUntilExit()
    let held = ".\(dead.processIdentifier)-2.part"
    let kept = [".\(getppid())-1.part", ".1-x.part", "12-1.part", "model.part", held].sorted()
    // The last one is that of a process that had this one's number before it.
    let stale = [".\(dead.processIdentifier)-1.part", ".\(getpid())-999999999.part"]
    for name in kept + stale { try Data([1]).write(to: url(name)) }
    // As a process on another machine would hold it.
    let descriptor = open(url(held).path, O_RDWR)
    try #require(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    defer { close(descriptor) }
    try AtomicFile.write(Data([1]), to: url("result"))
    #expect(try names() == (kept + ["result"]).sorted())
  }

  @Test func scratchIsGoneAfterwards() throws {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try AtomicFile.scratch(in: folder.url) { url in
        #expect(FileManager.default.fileExists(atPath: url.path))
        throw Failure()
      }
    }
    #expect(try names() == [])
  }

  // MARK: Locks

  @Test func aFolderHasOneProcessAtATime() throws {
    try FolderLock.during(url("work")) {
      let error = try #require(throws: FormatError.self) {
        try FolderLock.during(url("work")) {}
      }
      #expect(error.kind == .inputOutput)
      #expect(error.description.contains("process \(getpid())"), "\(error)")
      try link("other", to: "work")
      #expect(throws: FormatError.self) { try FolderLock.during(url("other")) {} }
    }
    #expect(try names("work") == [])
    try FolderLock.during(url("work")) {}
  }

  /// What a process that was killed leaves behind holds nobody up.
  @Test func aLockFileAloneIsNoLock() throws {
    try AtomicFile.write(Data("1\n".utf8), to: url("work/.lock"))
    try FolderLock.during(url("work")) {}
    #expect(try names("work") == [])
  }
}
