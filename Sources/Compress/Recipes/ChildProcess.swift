import CProcess
import Formats
import Foundation

/// This program, run again for a part of the work.
///
/// A child ends with its parent, however that ends: it learns from its environment who that is and
/// has the kernel tell it.
enum ChildProcess {
  /// What a child printed, and how it ended.
  struct Outcome {
    /// The exit status; 128 and the signal's number for a child that a signal ended.
    var status: Int32
    /// Standard output.
    var output: Data
  }

  private static let parentKey = "COMPRESS_PARENT"

  /// A command of this program that is not started yet, with nothing to read.
  static func process(_ words: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = words
    process.standardInput = FileHandle.nullDevice
    var environment = ProcessInfo.processInfo.environment
    environment[parentKey] = "\(getpid())"
    process.environment = environment
    return process
  }

  /// Runs a command to its end, which an interrupt brings on.
  ///
  /// What it says of its progress goes where this process's does.
  ///
  /// - Parameter folder: Where what it prints lies meanwhile.
  static func run(
    _ words: [String], scratch folder: URL = FileManager.default.temporaryDirectory
  ) throws -> Outcome {
    try AtomicFile.scratch(in: folder) { scratch in
      let process = process(words)
      process.standardOutput = try FileHandle(forWritingTo: scratch)
      try Interruption.start(process)
      Interruption.wait(for: process)
      let status = process.terminationStatus
      return Outcome(
        status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
        output: try InputFile.data(scratch))
    }
  }

  /// Runs a command with its results in a file; one that prints nothing leaves the file as it was.
  ///
  /// - Returns: the exit status.
  static func run(_ words: [String], output: URL) throws -> Int32 {
    let outcome = try run(words, scratch: output.deletingLastPathComponent())
    if !outcome.output.isEmpty { try AtomicFile.write(outcome.output, to: output) }
    return outcome.status
  }

  /// In a child: ends with the parent from now on, or at once when that is gone already.
  static func followParent() {
    guard let parent = ProcessInfo.processInfo.environment[parentKey].flatMap({ Int32($0) }) else {
      return
    }
    unsetenv(parentKey)
    Interruption.leaveWordsToParent()
    _ = compress_signal_at_parent_death(Interruption.isHandled(SIGTERM) ? SIGTERM : SIGKILL)
    if getppid() != parent { _exit(128 + SIGTERM) }
  }
}
