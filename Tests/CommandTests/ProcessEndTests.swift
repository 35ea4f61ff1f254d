import Foundation
import TestSupport
import Testing

/// What becomes of children, locks and temporary files when a process ends, however it ends.
///
/// That all of a command's processes are gone is told by the end of the pipe that they write their
/// remarks to: the kernel closes it with the last of them.
@Suite(.serialized) struct ProcessEndTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // A step that trains for as long as anybody waits, on scenes that are soon made.
    let recipe = """
      scenes: {train: 64, score: 16}
      seed: 1
      steps:
        - prune: {sparsity: 0.5, epochs: 100000, batch: 8}
      """
    try Data(recipe.utf8).write(to: folder.url.appending(path: "long.yaml"))
  }

  private func start(_ arguments: String...) throws -> RunningCommand {
    try RunningCommand(arguments + ["--threads", "1"], in: folder.url)
  }

  /// Files in the folder, and in that for scratch, that only living processes have.
  private func leftovers() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).filter {
      $0.hasSuffix(".part") || $0.hasSuffix(".lock")
    }
  }

  private func temporaryFiles() throws -> [String] {
    try leftovers().filter { $0.hasSuffix(".part") }
  }

  @Test(arguments: [["run", "long.yaml"], ["sweep", "long.yaml", "--jobs", "2", "--seeds", "2"]])
  func aKilledParentTakesItsChildrenAlong(arguments: [String]) throws {
    let command = try RunningCommand(arguments + ["--threads", "2"], in: folder.url)
    try command.waitForFile { $0.hasSuffix("annotations.json") && $0.contains("scenes-score") }
    try command.waitForChild()
    kill(command.process.processIdentifier, SIGKILL)
    #expect(command.allEnd(within: 60), "a child outlived its parent")
    #expect(command.process.terminationReason == .uncaughtSignal)
  }

  @Test func aSecondProcessIsToldOfTheFirst() throws {
    for (first, second) in [
      (["run", "long.yaml", "--work", "work"], ["run", "long.yaml", "--work", "./work"]),
      (["sweep", "long.yaml", "--output", "grid"], ["sweep", "long.yaml", "--output", "grid"]),
    ] {
      let command = try RunningCommand(first + ["--threads", "1"], in: folder.url)
      try command.waitForFile { $0.hasSuffix(".lock") }
      try command.waitForChild()
      let other = try Binary.run(second + ["--threads", "1"], in: folder.url)
      #expect(other.status == 74, "\(other.errors)")
      #expect(
        other.errors.contains("is in use by process \(command.process.processIdentifier)"),
        "\(other.errors)")
      command.process.interrupt()
      #expect(command.allEnd(within: 60))
      #expect(command.process.terminationStatus == 130)
      #expect(try leftovers() == [], "an interrupt leaves neither locks nor temporary files")
    }
  }

  @Test func twoTrainingsDoNotShareAFolder() throws {
    let train = [
      "train", "--arch", "yolov8n", "--width", "0.25", "--imgsz", "64", "--images", "32",
      "--epochs",
      "100000", "--batch", "8", "--val-data", "scenes", "--threads", "1", "--output", "run",
    ]
    let synth = ["dataset", "synth", "--images", "4", "--imgsz", "64", "--output", "scenes"]
    #expect(try Binary.run(synth, in: folder.url).status == 0)
    let command = try RunningCommand(train, in: folder.url)
    try command.waitForFile { $0 == "run/checkpoint.onnx" }
    let holder = "in use by process \(command.process.processIdentifier)"
    for words in [["train", "--resume", "run"], train + ["--force"]] {
      let other = try Binary.run(words, in: folder.url)
      #expect(other.status == 74 && other.errors.contains(holder), "\(other.errors)")
    }
    kill(command.process.processIdentifier, SIGKILL)
    #expect(command.allEnd(within: 60))
    // The lock ends with its holder, whatever files it leaves.
    let resumed = try RunningCommand(
      ["train", "--resume", "run", "--threads", "1"], in: folder.url)
    try resumed.waitForText("epoch")
    resumed.process.interrupt()
    #expect(resumed.allEnd(within: 120))
    #expect(resumed.process.terminationStatus == 130)
    #expect(try leftovers() == [])
  }

  @Test func aConversionThatFailsLeavesNothing() throws {
    try TinyDetector.write(to: folder.url)
    for output in ["new/x.h5", "new/x.onnx"] {
      // A file may not become larger than one block here.
      let command = "ulimit -f 1; exec \"$0\" convert tiny.onnx --output \(output) --format json"
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-c", command, Binary.url.path]
      process.currentDirectoryURL = folder.url
      (process.standardOutput, process.standardError) = (
        FileHandle.nullDevice, FileHandle.nullDevice
      )
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 74)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
      #expect(names.sorted() == ["long.yaml", "tiny.onnx"])
    }
  }
}

/// A command that runs, with a pipe that its processes hold open as long as one of them lives.
private final class RunningCommand {
  let process = Process()
  private let folder: URL
  private let remarks = Pipe()
  private var text = ""

  init(_ arguments: [String], in folder: URL) throws {
    self.folder = folder
    process.executableURL = Binary.url
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ["PATH": "/usr/bin:/bin", "TMPDIR": folder.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = remarks
    try process.run()
    try remarks.fileHandleForWriting.close()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Reads until the text holds a word; fails at the end of all processes or after two minutes.
  func waitForText(_ word: String) throws {
    let isFound = read(until: Date(timeIntervalSinceNow: 120)) { self.text.contains(word) }
    try #require(isFound, "\(text)")
  }

  /// Waits for a file in the folder that fits.
  func waitForFile(_ fits: (String) -> Bool) throws {
    let patience = Date(timeIntervalSinceNow: 120)
    while Date() < patience, process.isRunning {
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      if names.contains(where: fits) { return }
      Thread.sleep(forTimeInterval: 0.01)
    }
    Issue.record("no such file: \(text)")
  }

  /// Waits for a process whose parent this one is.
  func waitForChild() throws {
    let patience = Date(timeIntervalSinceNow: 120)
    while Date() < patience, process.isRunning {
      for name in try FileManager.default.contentsOfDirectory(atPath: "/proc")
      where Int(name) != nil {
        let status = (try? String(contentsOfFile: "/proc/\(name)/status", encoding: .utf8)) ?? ""
        if status.contains("PPid:\t\(process.processIdentifier)\n") { return }
      }
      Thread.sleep(forTimeInterval: 0.01)
    }
    Issue.record("no child was started: \(text)")
  }

  /// Whether all processes end in time.
  func allEnd(within seconds: Double) -> Bool {
    let hasEnded = !read(until: Date(timeIntervalSinceNow: seconds)) { false }
    if hasEnded { process.waitUntilExit() }
    return hasEnded && isAtEnd
  }

  private var isAtEnd = false

  /// Reads until something holds; false at the end of all processes, or when it takes too long.
  private func read(until patience: Date, _ holds: () -> Bool) -> Bool {
    let descriptor = remarks.fileHandleForReading.fileDescriptor
    var bytes = [UInt8](repeating: 0, count: 4096)
    while !holds() {
      let left = patience.timeIntervalSinceNow
      guard left > 0 else { return false }
      var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&events, 1, Int32(left * 1000) + 1) > 0 else { continue }
      let count = Foundation.read(descriptor, &bytes, bytes.count)
      guard count > 0 else {
        isAtEnd = count == 0
        return false
      }
      text += String(decoding: bytes.prefix(count), as: UTF8.self)
    }
    return true
  }
}
