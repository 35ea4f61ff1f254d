import Evidence
import Formats
import Foundation
import Reports
import Synchronization
import Tensors

/// Runs the points of a sweep in processes side by side and reports on all of them.
struct SweepRun {
  var recipe: Recipe
  var grid: SweepGrid
  /// The folder of points, store and report.
  var folder: String
  /// Processes at once.
  var jobs: Int
  /// Whether the models are timed, one after the other, once all are made.
  var measures: Bool
  var common: CommonOptions

  /// Runs the points that are not in the store yet; then the report.
  ///
  /// - Throws: `FormatError` when another process works in the folder, ``CommandError``.
  func run() throws -> SweepReport {
    try FolderLock.during(URL(filePath: folder)) { try runOpenPoints() }
  }

  private func runOpenPoints() throws -> SweepReport {
    let store = SweepStore(folder: folder)
    let open = grid.points.indices.filter { store.entries[grid.points[$0].key] == nil }
    let progress = SweepProgress(store: store, open: open)
    common.logger.notice(
      open.isEmpty
        ? "the sweep was finished before: all \(grid.points.count) points are kept, only the report is made anew"
        : "\(grid.points.count) points, \(grid.points.count - open.count) of them done before")
    let bar = ProgressBar(
      "sweep", total: open.count, unit: "points", isShown: common.showsProgress)
    let workers = max(1, min(jobs, open.count))
    ThreadPool(threads: workers).forEach(workers) { _ in
      while let index = progress.next() {
        do {
          try progress.finish(index, run(index, grid.points[index]))
        } catch {
          progress.stop(error)
        }
        bar.update(progress.done)
      }
    }
    bar.finish()
    let (ended, failures) = try progress.end()
    return try report(ended, failures)
  }

  private func run(_ index: Int, _ point: SweepGrid.Point) throws -> Result<
    SweepStore.Entry, CommandError
  > {
    let work = "\(folder)/points/\(point.key.prefix(12))"
    try OutputFolder.make(URL(filePath: work))
    let file = URL(filePath: work).appending(path: "run.json")
    let threads = max(1, common.threadCount / max(1, jobs))
    let status = try ChildProcess.run(
      ["run", recipe.file, "--work", work, "--report", "\(work)/report", "--no-timing"]
        + ["--format", "json", "--quiet"]
        + ["--threads", "\(threads)"] + point.words, output: file)
    let isDone = [ExitStatus.done, .qualityFloorMissed].contains { $0.rawValue == status }
    guard isDone,
      let result = try? JSONFile.readState(PointResult.self, from: file.path, kind: "result"),
      let baseline = result.models.first, let model = result.models.last,
      let output = result.steps.last?.output
    else {
      return .failure(
        CommandError(.badData, "\(point.words.joined(separator: " ")): status \(status)"))
    }
    return .success(
      .init(
        key: point.key, settings: point.settings, seed: point.seed, output: output,
        baseline: baseline, model: model))
  }

  /// What of ``RecipeResult`` is read back.
  private struct PointResult: Decodable {
    struct Step: Decodable { var output: String }

    var steps: [Step]
    var models: [ModelEvidence]
  }

  // MARK: The report

  private func report(
    _ store: SweepStore, _ failures: [Int: CommandError]
  ) throws -> SweepReport {
    var entries = grid.points.compactMap { store.entries[$0.key] }
    guard var baseline = entries.first?.baseline else {
      throw CommandError(
        .badData,
        "no point of the sweep succeeded: \(failures.values.first?.description ?? "there is none")")
    }
    if measures { try time(&entries, &baseline) }
    let several = Set(entries.map(\.seed)).count > 1
    let points = entries.map {
      SweepReport.Point(settings: $0.settings, seed: $0.seed, model: $0.model)
    }
    let manifest = ReportManifest(
      version: Version.text, command: ["compress"] + CommandLine.arguments.dropFirst(),
      seed: recipe.seed, threads: common.threadCount, cpu: Machine.cpu, system: Machine.system,
      models: entries.map { .init(name: $0.model.name, path: $0.output, sha256: $0.model.sha256) })
    let title = recipe.title ?? URL(filePath: recipe.file).lastPathComponent
    let sweep = SweepReport(
      title: title, baseline: baseline, points: points,
      failures: failures.sorted { $0.key < $1.key }.map(\.value.description), manifest: manifest)
    let models = points.map { point in
      var model = point.model
      model.name = point.name + (several ? ", seed \(point.seed)" : "")
      return model
    }
    let all = ComparisonReport(title: title, models: [baseline] + models, manifest: manifest)
    try ReportFolder(path: "\(folder)/report").write(all, progress: ConsoleProgress(common))
    for file in try sweep.files() {
      try AtomicFile.write(
        file.content, to: URL(filePath: folder).appending(path: "report/\(file.name)").path)
    }
    return sweep
  }

  /// Times the models one after the other, so that none suffers from the others.
  private func time(
    _ entries: inout [SweepStore.Entry], _ baseline: inout ModelEvidence
  ) throws {
    let options = try RecipeMaterial(recipe, work: folder).reportOptions(common)
    let collector = try EvidenceCollector(
      head: options.head, data: options.data, common: common, dataset: nil, measures: true)
    let inputs = try options.head.inputs.values()
    let models = try ([recipe.model] + entries.map(\.output)).map {
      try ModelArtifact($0, inputs: inputs, isOneOfMany: true)
    }
    var evidence = [baseline] + entries.map(\.model)
    try collector.measure(models, into: &evidence)
    baseline = evidence[0]
    for index in entries.indices { entries[index].model = evidence[index + 1] }
  }
}

/// What the processes of a sweep share.
private final class SweepProgress: Sendable {
  private struct State {
    var next = 0
    var done = 0
    var store: SweepStore
    var failures: [Int: CommandError] = [:]
    var error: (any Error)?
  }

  private let open: [Int]
  private let state: Mutex<State>

  init(store: SweepStore, open: [Int]) {
    self.open = open
    state = Mutex(State(store: store))
  }

  /// How many points are through.
  var done: Int { state.withLock { $0.done } }

  /// The next point to run; `nil` when there is none or the sweep is stopped.
  func next() -> Int? {
    state.withLock { state in
      guard state.next < open.count, state.error == nil else { return nil }
      state.next += 1
      return open[state.next - 1]
    }
  }

  /// Notes what came of a point.
  func finish(_ index: Int, _ outcome: Result<SweepStore.Entry, CommandError>) throws {
    try state.withLock { state in
      state.done += 1
      switch outcome {
      case .success(let entry): try state.store.append(entry)
      case .failure(let failure): state.failures[index] = failure
      }
    }
  }

  /// Lets no further point begin.
  func stop(_ error: any Error) { state.withLock { $0.error = $0.error ?? error } }

  /// The store and the failures by point.
  func end() throws -> (store: SweepStore, failures: [Int: CommandError]) {
    try state.withLock { state in
      if let error = state.error { throw error }
      return (state.store, state.failures)
    }
  }
}
