import Foundation
import Reports
import Training

/// What training shows while it runs: a line an epoch, and a bar within one.
///
/// It is used by the thread that trains alone.
final class TrainingConsole: @unchecked Sendable {
  private let trainer: Trainer
  private let isQuiet: Bool
  private let start = ContinuousClock.now
  private let firstEpoch: Int
  private var bar: ProgressBar?

  init(_ trainer: Trainer, isQuiet: Bool) {
    (self.trainer, self.isQuiet) = (trainer, isQuiet)
    firstEpoch = trainer.progress.epoch
  }

  /// Prints the heading of the table.
  func begin() {
    guard !isQuiet else { return }
    let losses = trainer.partNames.map { Self.right(String($0.prefix(9)), 10) }.joined()
    Console.note(
      "   epoch        lr" + losses + "      loss  images/s"
        + DetectorTraining.metricNames.map { Self.right($0, 8) }.joined() + "      left")
  }

  /// Shows an event.
  func show(_ event: TrainingEvent) {
    guard !isQuiet else { return }
    switch event {
    case .batch(let progress, let batches, let loss):
      if progress.batch == 1 || bar == nil {
        bar = ProgressBar(
          "epoch \(progress.epoch + 1)/\(trainer.configuration.epochs)"
            + "  loss \(String(format: "%.3f", loss.total))",
          total: batches, unit: "batches", isShown: !isQuiet)
      }
      bar?.update(progress.batch)
    case .epoch(let record, let isBest):
      bar?.finish()
      bar = nil
      Console.note(line(record, isBest))
    }
  }

  private func line(_ record: EpochRecord, _ isBest: Bool) -> String {
    let total = trainer.configuration.epochs
    let done = record.epoch - firstEpoch
    let perEpoch = (ContinuousClock.now - start) / .seconds(1) / Double(max(done, 1))
    var text = Self.right("\(record.epoch)/\(total)", 8)
    text += Self.right(String(format: "%.2e", record.learningRate), 10)
    for loss in record.losses + [record.losses.reduce(0, +)] {
      text += Self.right(String(format: "%.4f", loss), 10)
    }
    text += Self.right(String(format: "%.1f", record.imagesPerSecond), 10)
    for name in DetectorTraining.metricNames {
      text += Self.right(record.metrics[name].map(Format.metric) ?? "–", 8)
    }
    text += Self.right(Self.duration(perEpoch * Double(total - record.epoch)), 10)
    if let sparsity = record.sparsity { text += "  sparsity \(Format.percent(sparsity))" }
    return text + (isBest ? "  best" : "")
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole >= 3600
      ? String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
      : String(format: "%d:%02d", whole / 60, whole % 60)
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }
}
