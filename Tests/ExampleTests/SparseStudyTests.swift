import Foundation
import TestSupport
import Testing

@Suite struct SparseStudyTests {
  @Test func theStudyRunsAtItsSmallest() throws {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = QuickstartTests.binaries.appending(path: "sparse-study")
    process.arguments = [
      "--output", folder.url.path, "--compress",
      QuickstartTests.binaries.appending(path: "compress").path, "--epochs", "1", "--images", "16",
      "--scored", "16", "--seeds", "2", "--widths", "0.5", "--base", "0.5", "--sparsities", "0.5",
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let table = try String(contentsOf: folder.url.appending(path: "table.md"), encoding: .utf8)
    #expect(table.split(separator: "\n").count == 4)
    _ = try Data(contentsOf: folder.url.appending(path: "figure.svg"))
  }
}
