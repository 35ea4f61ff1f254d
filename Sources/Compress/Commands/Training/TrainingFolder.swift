import Foundation
import Formats
import GraphIR
import Reports
import Training

/// The folder a training run lives in.
struct TrainingFolder {
  let url: URL

  /// A folder at a path; it is made when the first file is written.
  init(_ path: String) { url = URL(filePath: path) }

  /// The model that training starts from, with its final structure.
  var start: URL { url.appending(path: "start.onnx") }
  /// The best model so far.
  var best: URL { url.appending(path: "best.onnx") }
  /// The model as it is after the last epoch.
  var last: URL { url.appending(path: "last.onnx") }
  /// What a resumed run needs.
  var checkpoint: URL { url.appending(path: "checkpoint.onnx") }
  /// The settings of the run.
  var settings: URL { url.appending(path: "run.json") }

  /// The names of all that a run writes.
  static let names = [
    "start.onnx", "best.onnx", "last.onnx", "checkpoint.onnx", "run.json", "history.csv",
    "curve.svg", "curve.pdf",
  ]

  /// Whether a run lives here.
  var isTaken: Bool { get throws { try InputFile.kind(of: settings) != nil } }

  /// Makes the folder and writes what the run starts from.
  func begin(_ job: TrainingJob, model: Graph) throws {
    try OutputFolder.make(url)
    try ModelFile.save(model, to: start)
    try AtomicFile.write(try JSONFile.encoder(.prettyPrinted).encode(job), to: settings)
  }

  /// The settings of the run that lives here.
  func job() throws -> TrainingJob {
    guard try isTaken else {
      throw CommandError(.noInput, "\(settings.path): there is no such file; no run lives there")
    }
    return try JSONFile.read(TrainingJob.self, from: settings.path, kind: "settings of a run")
  }

  /// Writes history and curve, the models and, so that nothing newer is lost, the checkpoint last.
  func save(_ trainer: Trainer, isBest: Bool, title: String) throws {
    try saveHistory(trainer, title: title)
    if isBest { try saveBest(trainer) }
    try ModelFile.save(trainer.current, to: last)
    try trainer.checkpoint.save(to: checkpoint)
  }

  /// Writes the last model as the best, where nothing was scored.
  func saveBest(_ trainer: Trainer) throws { try ModelFile.save(trainer.bestModel, to: best) }

  /// Writes the table and the figure of the epochs so far.
  func saveHistory(_ trainer: Trainer, title: String) throws {
    try TrainingLog(trainer, title: title).write(to: url.path)
  }
}
