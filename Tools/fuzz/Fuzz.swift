import ArgumentParser
import Foundation

/// `fuzz`: damaged files of every kind that the tool reads, in processes that may die of them.
@main struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Read damaged files of every kind and count what goes wrong.",
    discussion: """
      Inputs are made of small sound files by seeded damage: bits, pieces and lengths of any file, fields of protocol \
      buffers, words of texts. Most are read and used in worker processes of this program; a smaller part goes through \
      the built command. A signal, a run over 1 GB, one over the time, a message without the file's name and an exit \
      status that is not documented are findings: the file is kept in the folder of --output, with a line in \
      findings.tsv that runs it again.
      """)

  @Option(help: "Inputs that workers read.") var runs = 20_000
  @Option(help: "Inputs that go through the command. (default: one for every hundred)")
  var binaryRuns: Int?
  @Option(help: "What the damage is drawn with.") var seed: UInt64 = 0
  @Option(help: "Workers at a time. (default: all cores)") var jobs: Int?
  @Option(help: "Seconds after which an input has taken too long.") var seconds = 20
  @Option(help: "The built command.") var command = ".build/release/compress"
  @Option(help: "Where findings are kept.") var output = ".build/fuzz"
  @Option(help: "Only these kinds, by commas.") var kinds: String?
  @Option(help: "Only this input, in this process.") var only: Int?
  @Option(help: ArgumentHelp(visibility: .hidden)) var package = "."
  @Option(help: ArgumentHelp(visibility: .hidden)) var worker: String?
  @Option(help: ArgumentHelp(visibility: .hidden)) var from = 0
  @Option(help: ArgumentHelp(visibility: .hidden)) var to = 0

  private func chosenKinds() throws -> [FuzzKind] {
    try (kinds?.split(separator: ",") ?? []).map { name in
      guard let kind = FuzzKind(rawValue: String(name)) else {
        throw ValidationError(
          "--kinds takes \(FuzzKind.allCases.map(\.rawValue)), found '\(name)'.")
      }
      return kind
    }
  }

  func run() throws {
    let kinds = try chosenKinds()
    let package = URL(filePath: package).standardizedFileURL
    if let worker {
      let process = FuzzWorker(seed: seed, kinds: kinds, seconds: seconds)
      return try process.run(from..<max(from, to), state: worker, package: package)
    }
    let seeds = try FuzzSeeds(package: package)
    if let only { return try runOnly(only, seeds, kinds) }
    let clock = ContinuousClock()
    let start = clock.now
    var findings = try FuzzFindings(folder: URL(filePath: output), seed: seed)
    let host = FuzzHost(
      seed: seed, kinds: kinds, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
      seconds: seconds, package: package, seeds: seeds)
    let inside = try host.run(runs, findings: &findings)
    print("In worker processes, seed \(seed):\n\n\(inside.table(isThroughBinary: false))\n")
    var isClean = inside.total.isClean
    let count = binaryRuns ?? runs / 100
    if count > 0 {
      let binary = try FuzzBinary(
        command: URL(filePath: command).path, seed: seed, seconds: seconds, seeds: seeds)
      defer { binary.remove() }
      let outside = try binary.run(count, findings: &findings)
      print("Through the command:\n\n\(outside.table(isThroughBinary: true))\n")
      isClean = isClean && outside.total.isClean
    }
    print("\(findings.count) findings in \(output), \((clock.now - start).components.seconds) s")
    if !isClean { throw ExitCode(1) }
  }

  private func runOnly(_ index: Int, _ seeds: FuzzSeeds, _ kinds: [FuzzKind]) throws {
    let input = FuzzInput(index, seed: seed, seeds: seeds, kinds: kinds)
    let folder = FileManager.default.temporaryDirectory.appending(path: "fuzz-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try input.data.write(to: URL(filePath: output).appendingPathExtension(input.kind.ending))
    print("\(input.kind.rawValue), \(input.data.count) bytes")
    do {
      try FuzzExercise(folder: folder, seeds: seeds).run(input)
      print("accepted")
    } catch { print("refused: \(error)") }
  }
}
