import Foundation

/// This program, run again for a part of the work.
enum ChildProcess {
  /// Runs a command with its results in a file, and returns its exit status.
  ///
  /// What it says of its progress goes where this process's does. An interrupt ends it too.
  static func run(_ words: [String], output: URL) throws -> Int32 {
    let files = FileManager.default
    let scratch = output.appendingPathExtension("partial")
    try AtomicOutput.write(Data(), to: scratch.path)
    defer { try? files.removeItem(at: scratch) }
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = words
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: scratch)
    try Interruption.start(process)
    Interruption.wait(for: process)
    let status = process.terminationStatus
    if let data = try? Data(contentsOf: scratch), !data.isEmpty {
      try AtomicOutput.write(data, to: output.path)
    }
    return process.terminationReason == .uncaughtSignal ? 128 + status : status
  }
}
