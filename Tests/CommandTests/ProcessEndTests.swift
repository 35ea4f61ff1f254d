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

  /// Waits for what only a child does: a run's reports epochs, a sweep's takes its own folder.
  private func waitForChild(of command: RunningCommand, _ arguments: [String]) throws {
    if arguments[0] == "run" {
      try command.waitForText("1/100000")
    } else {
      try command.waitForFile { $0.contains("/points/") && $0.hasSuffix("/.lock") }
    }
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
    try waitForChild(of: command, arguments)
    kill(command.process.processIdentifier, SIGKILL)
    #expect(command.allEnd(), "a child outlived its parent")
    #expect(command.process.terminationReason == .uncaughtSignal)
  }

  @Test func aSecondProcessIsToldOfTheFirst() throws {
    for (first, second) in [
      (["run", "long.yaml", "--work", "work"], ["run", "long.yaml", "--work", "./work"]),
      (["sweep", "long.yaml", "--output", "grid"], ["sweep", "long.yaml", "--output", "grid"]),
    ] {
      let command = try RunningCommand(first + ["--threads", "1"], in: folder.url)
      try command.waitForFile { $0.hasSuffix(".lock") }
      try waitForChild(of: command, first)
      let other = try Binary.run(second + ["--threads", "1"], in: folder.url)
      #expect(other.status == 74, "\(other.errors)")
      #expect(
        other.errors.contains("is in use by process \(command.process.processIdentifier)"),
        "\(other.errors)")
      command.process.interrupt()
      #expect(command.allEnd())
      #expect(command.process.terminationStatus == 130)
      #expect(command.text.ranges(of: "no half-written file is left").count == 1)
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
    #expect(command.allEnd())
    // The lock ends with its holder, whatever files it leaves; who writes next removes them.
    let resumed = try RunningCommand(
      ["train", "--resume", "run", "--threads", "1"], in: folder.url)
    try resumed.waitForText("/100000", times: 2)
    resumed.process.interrupt()
    #expect(resumed.allEnd())
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
