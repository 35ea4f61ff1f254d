import Foundation
import TestSupport
import Testing

@Suite struct ExitStatusTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
  }

  func run(_ arguments: [String]) throws -> Binary.Outcome {
    try Binary.run(arguments, in: folder.url)
  }

  @Test(
    arguments: [
      (["shrink"], "Did you mean 'prune'?"),
      (["prune", "tiny.onnx", "--nonsense"], "Unknown option '--nonsense'"),
      (["prune", "tiny.onnx", "--sparsity", "1"], "--sparsity must be at least 0 and below 1"),
      (["prune", "tiny.onnx", "--sparsity", "nan"], "--sparsity must be at least 0"),
      (["prune", "tiny.onnx", "--method", "guess"], "--method takes magnitude, obs, gradient"),
      (["prune", "tiny.onnx", "--scope", "here"], "--scope takes global, local, erk"),
      (["prune", "tiny.onnx", "--pattern", "4:2"], "--pattern takes none, 2:4"),
      (
        ["prune", "tiny.onnx", "--pattern", "2:4", "--sparsity", "0.9"], "fixes the sparsity at 0.5"
      ),
      (["prune", "tiny.onnx", "--layer-sparsity", "stem"], "--layer-sparsity takes NAME=0.5"),
      (["prune", "tiny.onnx", "--plan", "p.json", "--seed", "1"], "--plan says which weights go"),
      (["prune", "tiny.onnx", "--max-drop", "0.1"], "give --data"),
      (["prune", "tiny.onnx", "--dry-run", "--output", "x.onnx"], "--dry-run writes no model"),
      (["prune", "tiny.onnx", "--exclude", "nowhere*"], "no layer fits 'nowhere*'"),
      (["inspect", "tiny.onnx", "--threads", "0"], "--threads must lie between"),
      (["inspect", "tiny.onnx", "--input-shape", "images"], "--input-shape takes NAME="),
      (
        ["inspect", "tiny.onnx", "--input-shape", "images=1x3x64x64"], "which shape [1, 3, 64, 64]"
      ),
      (["prune", "tiny.onnx", "--output", "./tiny.onnx"], "is the model itself"),
      (["detect", "tiny.onnx"], "Missing expected argument"),
      (["prune", "tiny.onnx", "--seed", "-1"], "The value '-1' is invalid for '--seed"),
      (["prune", "tiny.onnx", "--sparsity", "-0.5"], "--sparsity must be at least 0"),
    ])
  func wrongUsageIs64(arguments: [String], message: String) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: ["inspect", "benchmark", "prune", "report", "convert"])
  func aDamagedModelIs65(verb: String) throws {
    let whole = try Data(contentsOf: folder.url.appending(path: "tiny.onnx"))
    try whole.prefix(whole.count / 2).write(to: folder.url.appending(path: "cut.onnx"))
    let outcome = try run([verb, "cut.onnx"] + (verb == "convert" ? ["--output", "x.h5"] : []))
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains("cut.onnx"))
  }

  @Test func aDamagedPlanIs65() throws {
    for (text, reason) in [
      ("{", "is no"), ("{\"schemaVersion\": \"x\"}", "'schemaVersion'"), ("[]", "''"),
    ] {
      try Data(text.utf8).write(to: folder.url.appending(path: "plan.json"))
      let outcome = try run(["prune", "tiny.onnx", "--plan", "plan.json"])
      #expect(outcome.status == 65)
      #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    }
  }

  @Test(
    arguments: [
      ["inspect", "absent.onnx"], ["benchmark", "absent.onnx"], ["prune", "absent.onnx"],
      ["report", "tiny.onnx", "absent.onnx"], ["compare", "tiny.onnx", "absent.onnx"],
      ["prune", "tiny.onnx", "--data", "absent"], ["prune", "tiny.onnx", "--plan", "absent.json"],
      ["evaluate", "tiny.onnx", "--data", "absent"],
    ])
  func whatIsNotThereIs66(arguments: [String]) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("absent"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["tiny.onnx"])
  }

  @Test(
    arguments: [
      ["--help"], ["prune", "--help"], ["--version"], ["inspect", "tiny.onnx"],
      ["inspect", "tiny.onnx", "--format", "json"], ["prune", "tiny.onnx", "--dry-run"],
    ])
  func resultsThatCannotBeWrittenAre74(arguments: [String]) throws {
    let outcome = try Binary.run(arguments, in: folder.url, output: URL(filePath: "/dev/full"))
    #expect(outcome.status == 74)
    #expect(outcome.errors.contains("cannot be written to standard output"))
  }

  @Test func aFolderThatCannotBeMadeIs74() throws {
    for option in [["--output", "tiny.onnx/x.onnx"], ["--report", "tiny.onnx/r", "--no-timing"]] {
      let outcome = try run(["prune", "tiny.onnx"] + option)
      #expect(outcome.status == 74)
      #expect(outcome.errors.contains("tiny.onnx"))
    }
  }

  @Test func aClosedPipeIsNoCrash() throws {
    let pipe = Pipe()
    let process = Process()
    process.executableURL = Binary.url
    process.arguments = ["inspect", "tiny.onnx"]
    process.currentDirectoryURL = folder.url
    (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
    try pipe.fileHandleForReading.close()
    try process.run()
    process.waitUntilExit()
    #expect(
      process.terminationReason == .exit || process.terminationStatus == SIGPIPE, "no trap or abort"
    )
  }
}
