import Foundation
import TestSupport
import Testing

@Suite struct QuickstartTests {
  static let script = SharedAssets.package.appending(path: "Examples/quickstart/run")
  /// Where the binaries of this build lie: beside the test bundle.
  static let binaries = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()

  @Test func theScriptParses() throws {
    let run = try Self.run("/bin/bash", ["-n", Self.script.path])
    #expect(run.status == 0, "\(run.output)")
  }

  @Test func quickstartPrunesTheDetectorAndReports() throws {
    let folder = try TemporaryFolder()
    let run = try Self.run(
      Self.script.path, [],
      environment: try ExampleScenes.environment(folder))
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("report.md"))
    for name in ["pruned.onnx", "report/report.md", "report/report.json", "report/curve.svg"] {
      let file = folder.url.appending(path: name)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(name) is missing")
    }
  }

  /// Runs a program and waits; the output is that of both streams.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
