import Foundation
import TestSupport
import Testing

/// Every option that takes a file, and every fault a file can have: the status is the documented
/// one, the file is named, and no word of Foundation's reaches the screen.
@Suite struct InputFaultTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let model = try Data(contentsOf: try TinyDetector.write(to: folder.url))
    try TinyImages.write(to: folder.url, count: 1)
    try FileManager.default.createDirectory(at: url("folder"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: url("refused").path, withDestinationPath: "/proc/self/mem")
    try Data("model: gr\n".utf8 + [0x61, 0xfc, 0x0a]).write(to: url("latin"))
    try Data().write(to: url("empty"))
    try model.prefix(model.count / 2).write(to: url("cut"))
    for (folder, file) in [("no-tensors", "absent"), ("bad-tensors", "latin")] {
      try FileManager.default.createDirectory(
        at: url("\(folder)/inputs"), withIntermediateDirectories: true)
      if file != "absent" {
        try FileManager.default.copyItem(at: url(file), to: url("\(folder)/inputs/images.npy"))
      }
    }
  }

  private func url(_ name: String) -> URL { folder.url.appending(path: name) }

  /// The faults with their statuses; `cut` is half a model.
  static let faults: [(file: String, status: Int32)] = [
    ("absent", 66), ("folder", 65), ("refused", 74), ("latin", 65), ("empty", 65), ("cut", 65),
  ]

  /// Commands with `FILE` where the faulty file goes.
  static let commands: [[String]] = [
    ["inspect", "FILE"], ["benchmark", "FILE"], ["evaluate", "FILE", "--data", "data.yaml"],
    ["prune", "FILE"], ["lowrank", "FILE"], ["quantize", "FILE", "--data-free"],
    ["report", "FILE", "--no-timing"], ["report", "tiny.onnx", "FILE", "--no-timing"],
    ["compare", "FILE", "tiny.onnx"], ["compare", "tiny.onnx", "FILE"],
    ["convert", "FILE", "--output", "x.h5"], ["detect", "FILE", "images/val/0.png"],
    ["train", "FILE", "--data", "data.yaml", "--val-data", "data.yaml", "--loss", "match"],
    ["distill", "--teacher", "FILE", "--student", "tiny.onnx", "--data", "data.yaml"] + epoch,
    ["distill", "--teacher", "tiny.onnx", "--student", "FILE", "--data", "data.yaml"] + epoch,
    ["prune", "tiny.onnx", "--plan", "FILE"], ["lowrank", "tiny.onnx", "--plan", "FILE"],
    ["quantize", "tiny.onnx", "--plan", "FILE"],
    [
      "prune", "tiny.onnx", "--method", "l1", "--allocation", "sensitivity", "--sensitivity",
      "FILE",
    ],
    ["evaluate", "tiny.onnx", "--data", "data.yaml", "--head", "FILE"],
    ["detect", "tiny.onnx", "images/val/0.png", "--head", "FILE"],
    ["run", "FILE"], ["sweep", "FILE"], ["run", "FILE", "--dry-run"],
  ]
  private static let epoch = ["--epochs", "1"]

  @Test(arguments: commands)
  func faultsHaveTheirStatus(command: [String]) throws {
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    // Settings that say nothing are settings.
    let mayBeEmpty = command.contains("--head")
    for (file, status) in Self.faults where !mayBeEmpty || file != "empty" {
      let words = command.map { $0 == "FILE" ? file : $0 }
      try check(words, status: status, names: file)
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.url.path) == before)
  }

  /// Files that are read where they are there, and made where they are not.
  @Test(arguments: [
    ["quantize", "tiny.onnx", "--calib", "images/val", "--max-damage", "inf", "--calib-state"],
    ["inspect", "tiny.onnx", "--sensitivity"],
  ])
  func statesThatCannotBeReadHaveTheirStatus(command: [String]) throws {
    for (file, status) in Self.faults where file != "absent" {
      // What cannot be written later is said before anything is read.
      try check(command + [file], status: file == "folder" ? 74 : status, names: file)
    }
  }

  @Test func recordedTensorsAreNamed() throws {
    for (tensors, status) in [
      ("absent", 66), ("no-tensors", 66), ("bad-tensors", 65), ("tiny.onnx", 66),
    ] as [(String, Int32)] {
      try check(["compare", "tiny.onnx", "--tensors", tensors], status: status, names: tensors)
    }
  }

  @Test func externalDataThatIsMissingIsNoInput() throws {
    let convert = ["convert", "tiny.onnx", "--output", "split.onnx", "--external-data"]
    #expect(try Binary.run(convert, in: folder.url).status == 0)
    try FileManager.default.removeItem(at: url("split.onnx.data"))
    let outcome = try Binary.run(["inspect", "split.onnx"], in: folder.url)
    #expect(outcome.status == 66, "\(outcome.errors)")
    #expect(outcome.errors.contains("split.onnx: initializer"), "\(outcome.errors)")
    #expect(outcome.errors.contains("'split.onnx.data'"))
  }

  private func check(_ words: [String], status: Int32, names file: String) throws {
    let outcome = try Binary.run(words, in: folder.url)
    #expect(outcome.status == status, "\(words): \(outcome.errors)")
    #expect(outcome.output.isEmpty)
    // Among remarks of how things go there is one error.
    let errors = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    #expect(errors.count == 1 && errors[0].contains(file), "\(words): \(outcome.errors)")
    for word in ["Domain", "Cocoa", "couldn’t", "couldn't", "NSError", "Error(", "Swift."] {
      #expect(!outcome.errors.contains(word), "\(words): \(outcome.errors)")
    }
  }
}
