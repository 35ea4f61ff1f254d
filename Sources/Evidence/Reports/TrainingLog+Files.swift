import Formats
import Foundation
import Reports
import Training

extension TrainingLog {
  /// Writes table and figure into a folder.
  ///
  /// - Throws: `FormatError` when something cannot be written.
  public func write(to folder: String) throws {
    let url = URL(filePath: folder)
    try AtomicFile.write(csv, to: url.appending(path: "history.csv"))
    try figure.write(to: url, name: "curve")
  }

  /// The log of a trainer's epochs.
  public init(_ trainer: Trainer, title: String) {
    self.init(
      title: title, lossNames: trainer.partNames, metricNames: DetectorTraining.metricNames,
      epochs: trainer.progress.history.map {
        Epoch(
          epoch: $0.epoch, step: $0.step, learningRate: $0.learningRate, losses: $0.losses,
          metrics: $0.metrics, sparsity: $0.sparsity, seconds: $0.seconds,
          imagesPerSecond: $0.imagesPerSecond)
      })
  }
}
