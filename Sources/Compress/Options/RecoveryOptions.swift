import ArgumentParser
import Compression
import Execution
import GraphIR
import ObjectDetection
import Training

/// Whether a compressed model is trained without labels until it answers like the model again.
struct RecoveryOptions: ParsableArguments {
  @Option(
    defaultAsFlag: RecoveryImages.given,
    help: ArgumentHelp(
      "Train the result on images without labels until it answers like the model again; a tenth of them is held back and decides how, and when to stop. A folder, or a set in the forms of --data.",
      valueName: "path"))
  var recover: RecoveryImages?

  @Option(
    help: ArgumentHelp("The most minutes of that. (default: 20)", valueName: "minutes"))
  var recoverMinutes: Double?

  @Option(
    help: ArgumentHelp(
      "The steps of that in place of minutes; the result is then the same every time.",
      valueName: "count"))
  var recoverSteps: Int?

  mutating func validate() throws {
    try NumberRange.counts.check(("--recover-steps", recoverSteps))
    if let recoverMinutes, !(recoverMinutes > 0 && recoverMinutes.isFinite) {
      throw ValidationError("--recover-minutes must be above 0, found \(recoverMinutes).")
    }
    if recover == nil && (recoverMinutes != nil || recoverSteps != nil) {
      throw ValidationError("--recover-minutes and --recover-steps are for --recover.")
    }
    if recoverMinutes != nil && recoverSteps != nil {
      throw ValidationError("Give one of --recover-minutes and --recover-steps.")
    }
  }

  /// Whether the result is recovered.
  var isSet: Bool { recover != nil }

  /// The images that `--recover` names; `nil` where it names none.
  var path: String? { if case .path(let path)? = recover { path } else { nil } }

  /// Refuses what recovery cannot be combined with, and recovery without images.
  ///
  /// - Parameters:
  ///   - hasImages: Whether other options name images, or the embedded scenes serve.
  func check(epochs: Int?, training: TrainingOptions, isDry: Bool, hasImages: Bool) throws {
    guard isSet else { return }
    if epochs ?? 0 > 0 {
      throw ValidationError(
        "--recover trains without labels, --epochs by its own settings; give one of them.")
    }
    if training.lr != nil || training.optimizer != nil || training.lrSchedule != nil {
      throw ValidationError(
        "--recover chooses its steps itself; leave out --lr, --lr-schedule and --optimizer.")
    }
    if isDry { throw ValidationError("--recover trains a model; leave it out with --dry-run.") }
    guard hasImages || path != nil else {
      throw ValidationError(
        "--recover needs images: name a folder of some, or give --calib, --train-data or --data.")
    }
  }

  /// Whether it trains on the images that a verb learns from, given the images to look at.
  func learns(besides calib: String?) -> Bool { isSet && path == nil && calib == nil }

  /// The images to train on: those of `--recover`, else those that were looked at, else those that
  /// the verb learns from.
  func images(
    _ calibration: Dataset?, _ learning: Dataset?, _ data: DataOptions, _ common: CommonOptions
  ) throws -> Dataset? {
    guard let path else { return calibration ?? learning }
    return try DatasetSplit.images(path, data, common)
  }

  /// The settings.
  func configuration(
    _ training: TrainingOptions, _ tuning: TuningOptions, seed: UInt64
  ) -> Recovery.Configuration {
    var configuration = Recovery.Configuration()
    configuration.limit =
      recoverSteps.map(RecoveryLimit.steps) ?? .minutes(recoverMinutes ?? Self.minutes)
    configuration.batchSize = training.batch ?? configuration.batchSize
    configuration.augmentation =
      tuning.augment.flatMap(Augmentation.named) ?? configuration.augmentation
    configuration.seed = seed
    return configuration
  }

  /// The minutes where nothing is said.
  private static let minutes = 20.0
}

/// What follows `--recover`.
enum RecoveryImages: ExpressibleByArgument, Equatable, CustomStringConvertible {
  /// Nothing: images that other options name.
  case given
  /// Images at a path.
  case path(String)

  init?(argument: String) { self = .path(argument) }

  var description: String {
    switch self {
    case .given: "those of --calib, else those to train on"
    case .path(let path): path
    }
  }
}

extension Recovery {
  /// Puts the recovered network in the place of a compressed one, also in what is predicted of it.
  ///
  /// - Throws: `TrainingError`, what sessions throw.
  func replace(
    _ graph: inout Graph, in prediction: inout Prediction?, towards original: Graph,
    images: Dataset?, engine: Engine
  ) throws -> RecoveryLog {
    guard let images else { throw TrainingError.noImages }
    let outcome = try run(on: graph, towards: original, images: images)
    if prediction == nil { prediction = Prediction.onNoise(original, engine: engine) }
    prediction?.follow(graph, by: outcome.graph)
    graph = outcome.graph
    return outcome.log
  }
}
