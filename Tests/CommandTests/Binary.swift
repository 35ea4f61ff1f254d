import Foundation
import Testing

/// The built command, run as a user would.
enum Binary {
  /// What a run gave back.
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    /// Standard output as a JSON object.
    func json() throws -> [String: Any] {
      try #require(
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
  }

  /// The executable beside the test bundle.
  static let url = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "compress")

  /// Runs `compress` in a folder and waits for its end.
  static func run(
    _ arguments: [String], in folder: URL? = nil, output: URL? = nil
  ) throws -> Outcome {
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "compress-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (out, err) = (scratch.appending(path: "out"), scratch.appending(path: "err"))
    for file in [out, err] { try Data().write(to: file) }
    let process = try start(arguments, in: folder, output: output ?? out, errors: err)
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: try String(contentsOf: out, encoding: .utf8),
      errors: try String(contentsOf: err, encoding: .utf8))
  }

  /// Starts `compress` without waiting.
  private static func start(
    _ arguments: [String], in folder: URL?, output: URL, errors: URL
  ) throws -> Process {
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ["COLUMNS": "80", "PATH": "/usr/bin:/bin"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    return process
  }
}
