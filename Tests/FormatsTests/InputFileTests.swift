import Formats
import Foundation
import TestSupport
import Testing

/// The one reader: what each fault of a file is called, and of which kind it is.
@Suite struct InputFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func url(_ name: String) -> URL { folder.url.appending(path: name) }

  private func write(_ bytes: [UInt8], _ name: String) throws -> URL {
    try Data(bytes).write(to: url(name))
    return url(name)
  }

  private func link(_ name: String, to target: String) throws -> URL {
    try FileManager.default.createSymbolicLink(
      atPath: url(name).path, withDestinationPath: target)
    return url(name)
  }

  private func fault(_ body: () throws -> Void) throws -> FormatError {
    try #require(throws: FormatError.self) { try body() }
  }

  @Test func whatIsNotThereIsNoInput() throws {
    let file = try write([1], "file")
    for absent in [
      url("absent"), file.appending(path: "below"), url("no/folder"),
      url(String(repeating: "n", count: 300)), try link("dangling", to: "nowhere"),
      URL(filePath: file.path + "\0.txt"),
    ] {
      for read in [{ _ = try InputFile.data(absent) }, { _ = try InputFile.text(absent) }] {
        let error = try fault(read)
        #expect(error.kind == .noInput && error.file == absent.path, "\(error)")
      }
      #expect(try fault { _ = try InputFile.names(in: absent) }.kind == .noInput)
      #expect(try InputFile.kind(of: absent) == nil)
    }
  }

  @Test func foldersDevicesAndPipesAreNoFiles() throws {
    #expect(mkfifo(url("pipe").path, 0o600) == 0)
    for (path, reason) in [
      (folder.url, "is a folder"), (URL(filePath: "/dev/zero"), "not a regular file"),
      (url("pipe"), "not a regular file"),
    ] {
      let error = try fault { _ = try InputFile.data(path) }
      #expect(error.kind == .badData && error.reason.contains(reason), "\(error)")
    }
    #expect(try fault { _ = try InputFile.names(in: try write([1], "file")) }.kind == .badData)
  }

  /// Root may read what modes forbid; this file fails when it is read, whoever reads it.
  @Test func whatTheSystemRefusesIsAnInputOutputError() throws {
    for url in [URL(filePath: "/proc/self/mem"), try link("loop", to: "loop")] {
      for isMapped in [false, true] {
        let error = try fault { _ = try InputFile.data(url, isMapped: isMapped) }
        #expect(error.kind == .inputOutput && error.file == url.path, "\(error)")
        #expect(error.reason.contains("cannot be read: "))
      }
    }
  }

  @Test func textIsUTF8WithoutItsMark() throws {
    #expect(try InputFile.text(write([0xef, 0xbb, 0xbf] + Array("ä\r\n".utf8), "a")) == "ä\r\n")
    #expect(try InputFile.text(write([], "empty")) == "")
    let latin = try fault { _ = try InputFile.text(write(Array("a\nb\nGr".utf8) + [0xfc], "b")) }
    #expect(latin.kind == .badData && latin.place == "line 3", "\(latin)")
    let wide = try fault { _ = try InputFile.text(write([0xff, 0xfe, 0x61, 0], "c")) }
    #expect(wide.kind == .badData && wide.reason.contains("UTF-16"), "\(wide)")
  }

  @Test func bytesAreThoseOfTheFile() throws {
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try write(bytes, "large")
    #expect(try InputFile.data(file) == Data(bytes))
    #expect(try InputFile.data(file, isMapped: true) == Data(bytes))
    #expect(try InputFile.data(file, limit: bytes.count) == Data(bytes))
    let error = try fault { _ = try InputFile.data(file, limit: bytes.count - 1) }
    #expect(error.kind == .badData && error.reason.contains("199999"), "\(error)")
    // A file that says it is empty and is not.
    #expect(try !InputFile.text(URL(filePath: "/proc/self/status")).isEmpty)
  }

  @Test func namesAreInOrder() throws {
    for name in ["b", "a", ".c"] { _ = try write([], name) }
    #expect(try InputFile.names(in: folder.url) == [".c", "a", "b"])
  }
}
