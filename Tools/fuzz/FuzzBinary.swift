import Execution
import Formats
import Foundation
import GraphIR
import Operators
import TestSupport

/// Damaged files through the built command, process by process.
struct FuzzBinary {
  let command: String
  let seed: UInt64
  let seconds: Int
  let seeds: FuzzSeeds
  private let folder: URL

  /// The exit statuses that the documentation names; 3 is a floor of quality that is missed.
  private static let statuses: Set<Int32> = [0, 3, 64, 65, 66, 74]

  /// Lays out the files that the verbs need beside the damaged one.
  init(command: String, seed: UInt64, seconds: Int, seeds: FuzzSeeds) throws {
    (self.command, self.seed, self.seconds, self.seeds) = (command, seed, seconds, seeds)
    folder = FileManager.default.temporaryDirectory.appending(path: "fuzz-binary-\(getpid())")
    for name in [
      "coco", "voc/JPEGImages", "voc/Annotations", "yolo/images", "yolo/labels", "in/inputs",
      "in/outputs",
    ] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    let picture = seeds.files[.png]?.first ?? Data()
    for name in ["coco/a.png", "voc/JPEGImages/a.png", "yolo/images/a.png", "a.png"] {
      try picture.write(to: folder.appending(path: name))
    }
    try Data("path: .\ntrain: images\nval: images\nnames: [a, b]\n".utf8)
      .write(to: folder.appending(path: "yolo/data.yaml"))
    try ModelFile.save(seeds.detector, to: folder.appending(path: "detector.onnx"))
    let session = try Session(seeds.detector, registry: .standard)
    try session.run()
    for name in session.outputNames {
      guard let tensor = session.output(name) else { continue }
      try NPYFormat.serialize(tensor)
        .write(to: folder.appending(path: "in/outputs/\(name).npy"))
    }
  }

  /// Takes away what ``init(command:seed:seconds:seeds:)`` laid out.
  func remove() { try? FileManager.default.removeItem(at: folder) }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Where the damaged file goes, and the verb that reads it.
  private func run(_ kind: FuzzKind, _ variant: Int, _ index: Int) -> (file: String, [String]) {
    let name = "fuzzed-\(index).\(kind.ending)"
    let (file, detector) = (path(name), path("detector.onnx"))
    switch kind {
    case .onnx, .hdf5:
      let out = path("out.onnx")
      let verbs = [
        ["inspect", file], ["inspect", file, "--groups"], ["compare", file, file],
        ["convert", file, "--output", out], ["benchmark", file, "--runs", "1"],
        ["prune", file, "--sparsity", "0.5", "--output", out],
        ["lowrank", file, "--rank", "ratio=0.5", "--output", out],
        ["quantize", file, "--data-free", "--output", out],
        ["detect", file, path("a.png")],
      ]
      return (file, verbs[variant % verbs.count])
    case .npy:
      return (path("in/inputs/images.npy"), ["compare", detector, "--tensors", path("in")])
    case .coco:
      return variant % 2 == 0
        ? (path("coco/annotations.json"), ["dataset", "info", path("coco")])
        : (path("coco/annotations.json"), ["evaluate", detector, "--data", path("coco")])
    case .voc: return (path("voc/Annotations/a.xml"), ["dataset", "info", path("voc")])
    case .yolo: return (path("yolo/labels/a.txt"), ["dataset", "info", path("yolo")])
    case .head: return (file, ["detect", detector, path("a.png"), "--head", file])
    case .plan:
      return (file, ["prune", detector, "--plan", file, "--output", path("out.onnx")])
    case .jpeg, .png: return (file, ["detect", detector, file])
    case .recipe: return (file, ["run", file, "--dry-run"])
    case .state:
      return (
        file,
        [
          "quantize", detector, "--calib", path("a.png"), "--calib-state", file, "--output",
          path("out.onnx"),
        ]
      )
    }
  }

  /// Runs a number of files, kinds by turns.
  func run(_ inputs: Int, findings: inout FuzzFindings) throws -> FuzzCounts {
    var counts = FuzzCounts()
    for index in 0..<inputs {
      // Numbers of their own, apart from those of the workers.
      let kinds = FuzzKind.allCases + [.onnx, .onnx, .onnx, .onnx]
      let kind = kinds[index % kinds.count]
      let input = FuzzInput(index &+ 1 << 40, seed: seed, seeds: seeds, kinds: [kind])
      let (file, verb) = run(kind, input.variant, index)
      try input.data.write(to: URL(filePath: file))
      let output = path("messages.txt")
      let words = ["/usr/bin/timeout", "\(seconds)", command] + verb
      let process = try FuzzProcess(words, output: output)
      guard let (_, end) = FuzzProcess.wait(process.id) else { continue }
      let text = String(
        decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
      let problem = judge(end, text, file, &counts[kind])
      if let problem {
        findings.add(
          problem, index, input, command: words.dropFirst(2).joined(separator: " "),
          detail: text, kinds: [])
      }
      try? FileManager.default.removeItem(atPath: file)
    }
    return counts
  }

  private func judge(
    _ end: FuzzProcess.End, _ text: String, _ file: String, _ row: inout FuzzCounts.Row
  ) -> String? {
    row.inputs += 1
    let status = end.status ?? 128 + (end.signal ?? 0)
    if status == 0 { row.accepted += 1 } else { row.refused += 1 }
    if status == 124 {
      row.timeouts += 1
      return "timeout"
    }
    if status >= 128 {
      row.signals += 1
      return "signal\(status - 128)"
    }
    if end.peakBytes > FuzzWorker.memoryLimit {
      row.overMemory += 1
      return "memory"
    }
    if !Self.statuses.contains(status) {
      row.undocumented += 1
      return "status\(status)"
    }
    // Where a file and the model do not go together, a message may name either.
    let names = [file, path("detector.onnx")].map { URL(filePath: $0).lastPathComponent }
    if status != 0, status != 3, !names.contains(where: text.contains) {
      row.unnamed += 1
      return "unnamed"
    }
    return nil
  }
}
