import Foundation
import GraphIR
import ObjectDetection
import Training

/// One run of a trainer in its folder: shows, saves and sums up.
struct TrainingRun {
  let training: DetectorTraining
  let trainer: Trainer
  let title: String
  let folder: TrainingFolder
  let common: CommonOptions

  /// Says what is trained on what.
  func announce() {
    let (settings, head) = (training.settings, training.head)
    let held =
      training.validation.map { ", \($0.images.count) to score on" } ?? ", none to score on"
    let configuration = settings.training
    common.logger.notice(
      """
      \(training.training.images.count) images to learn from\(held); \(head.classes.count) classes, head \
      \(head.family), input \(training.imageSize.height) × \(training.imageSize.width)
      """)
    common.logger.notice(
      """
      \(configuration.epochs) epochs of batches of \(configuration.batchSize), \(configuration.optimizer), learning \
      rate \(configuration.learningRate) (\(configuration.schedule)), seed \(settings.seed)
      """)
  }

  /// Trains to the end, or to an interrupt; files are saved after every epoch.
  func run() throws -> (end: TrainingEnd, signal: Int32?) {
    let console = TrainingConsole(trainer, isQuiet: common.quiet)
    console.begin()
    let (end, signal) = try Interruption.whileAwaited {
      try trainer.run(
        validate: training.score,
        observe: { event in
          console.show(event)
          if case .epoch(_, let isBest) = event {
            try folder.save(trainer, isBest: isBest, title: title)
          }
          return Interruption.isRequested ? .stop : .proceed
        })
    }
    if end == .stopped { try trainer.checkpoint.save(to: folder.checkpoint) }
    if training.validation == nil, end == .completed {
      try folder.saveBest(trainer)
    }
    return (end, signal)
  }

  private struct Summary: Encodable {
    var schemaVersion = 1
    var end: String
    /// Whether there was nothing left to go on with; `nil` for no.
    var wasFinished: Bool?
    var epochs: Int
    var steps: Int
    var bestEpoch: Int?
    var bestMetrics: [String: Double]?
    var folder: String
    var settings: DetectorTraining.Settings
    var parts: [String]
    var history: [EpochRecord]
  }

  /// Prints what came out, or what would be done when `end` is `nil`.
  ///
  /// - Parameter wasFinished: Whether nothing was left to train when the run was resumed.
  func show(end: TrainingEnd?, wasFinished: Bool, format: OutputFormat) throws {
    let progress = trainer.progress
    let best = progress.history.first { $0.epoch == progress.bestEpoch }
    if format == .json {
      return try Console.json(
        Summary(
          end: end.map(Self.word) ?? "dry run", wasFinished: wasFinished ? true : nil,
          epochs: progress.epoch, steps: progress.step,
          bestEpoch: best?.epoch, bestMetrics: best?.metrics, folder: folder.url.relativePath,
          settings: training.settings, parts: trainer.partNames, history: progress.history))
    }
    guard let end else { return Console.result("Nothing was trained (--dry-run).") }
    var lines = [sentence(end)]
    if wasFinished {
      lines.insert(
        "The run in \(folder.url.relativePath) was finished before; nothing was left to train.",
        at: 0)
    }
    if let best {
      lines.append(
        "Best: epoch \(best.epoch), "
          + DetectorTraining.metricNames.map { "\($0) \(Format.metric(best.metrics[$0] ?? -1))" }
          .joined(separator: ", ") + ". Kept in \(folder.best.relativePath).")
    }
    if case .stopped = end {
      lines.append("Go on with: compress train --resume \(folder.url.relativePath)")
    }
    Console.result(lines.joined(separator: "\n"))
  }

  private func sentence(_ end: TrainingEnd) -> String {
    let progress = trainer.progress
    switch end {
    case .completed: return "Trained \(progress.epoch) epochs, \(progress.step) steps."
    case .stopped:
      return
        "Stopped in epoch \(progress.epoch + 1) after \(progress.step) steps; the state is saved."
    case .outOfPatience:
      return "Ended after \(progress.epoch) epochs: none better since epoch \(progress.bestEpoch)."
    case .diverged(let epoch, let step):
      return "The loss is no longer finite (epoch \(epoch), step \(step)); "
        + "take a lower --lr, a longer --warmup or a smaller --clip."
    }
  }

  private static func word(_ end: TrainingEnd) -> String {
    switch end {
    case .completed: "completed"
    case .stopped: "stopped"
    case .outOfPatience: "out of patience"
    case .diverged: "diverged"
    }
  }
}
