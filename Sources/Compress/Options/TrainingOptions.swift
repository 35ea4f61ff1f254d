import ArgumentParser
import Training

/// How a network is trained.
struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Passes over the training images.", valueName: "count"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Images a batch. (default: 16)", valueName: "count"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Batches whose gradients are averaged for one step. (default: 1)", valueName: "count"))
  var accumulate: Int?

  @Option(
    help: "sgd or adamw.",
    completion: .list(Optimizer.names))
  var optimizer: String?

  @Option(
    help: "Learning rate after warm-up.")
  var lr: Double?

  @Option(
    help: ArgumentHelp(
      "How the learning rate falls: "
        + LearningRateSchedule.all(final: 0).map { "\($0.name) (\($0.summary))" }.joined(
          separator: ", ") + ". (default: cosine)"),
    completion: .list(LearningRateSchedule.names))
  var lrSchedule: String?

  @Option(
    help: ArgumentHelp("What the learning rate is multiplied by at the end. (default: 0.01)"))
  var lrFinal: Double?

  @Option(
    help: ArgumentHelp(
      "Epochs in which the learning rate rises from 0. (default: 3, at most a tenth of all)",
      valueName: "epochs"))
  var warmup: Double?

  @Option(help: ArgumentHelp("Momentum of sgd, β₁ of adamw. (default: 0.9)"))
  var momentum: Float?

  @Option(
    help: ArgumentHelp("Decay of weights, biases and normalisations left out. (default: 0.0005)"))
  var weightDecay: Float?

  @Option(
    help: ArgumentHelp(
      "Pull of all weights towards zero, added to the loss as so many times the sum of their absolute values. (default: 0)",
      valueName: "strength"))
  var l1: Float?

  @Option(
    help: ArgumentHelp(
      "Largest norm of all gradients together, 0 for no limit. (default: 10)", valueName: "norm"))
  var clip: Double?

  @Option(
    help: ArgumentHelp(
      "Decay of the moving average of the weights, which is what is kept; 0 for the weights themselves. (default: 0.999)",
      valueName: "decay"))
  var ema: Double?

  @Flag(help: "Keep the stored statistics of batch normalisations.")
  var freezeBn = false

  @Flag(
    help:
      "Compute activations again on the way back instead of keeping them: less memory, more time, the same result."
  )
  var recompute = false

  @Option(
    help: ArgumentHelp(
      "Epochs without a better mAP after which training ends.", valueName: "epochs"))
  var patience: Int?

  @Option(help: ArgumentHelp("Epochs between validations. (default: 1)", valueName: "epochs"))
  var validateEvery: Int?

  mutating func validate() throws {
    try NumberRange.countsOrNone.check(("--epochs", epochs))
    try NumberRange.counts.check(
      ("--batch", batch), ("--accumulate", accumulate), ("--patience", patience),
      ("--validate-every", validateEvery))
    for (flag, value) in [("--lr", lr), ("--lr-final", lrFinal), ("--warmup", warmup)] {
      if let value, !(value >= 0 && value.isFinite) {
        throw ValidationError("\(flag) must be at least 0, found \(value).")
      }
    }
    for (flag, value) in [("--momentum", momentum.map(Double.init)), ("--ema", ema)] {
      if let value, !(0..<1).contains(value) {
        throw ValidationError("\(flag) must be at least 0 and below 1, found \(value).")
      }
    }
    for (flag, value) in [
      ("--weight-decay", weightDecay.map(Double.init)), ("--clip", clip),
      ("--l1", l1.map(Double.init)),
    ] {
      if let value, !(value >= 0 && value.isFinite) {
        throw ValidationError("\(flag) must be at least 0, found \(value).")
      }
    }
    if let optimizer, !Optimizer.names.contains(optimizer) {
      throw ValidationError(
        "--optimizer takes \(Optimizer.names.joined(separator: " or ")), found '\(optimizer)'.")
    }
    if let lrSchedule, !LearningRateSchedule.names.contains(lrSchedule) {
      throw ValidationError(
        "--lr-schedule takes \(LearningRateSchedule.names.joined(separator: ", ")), "
          + "found '\(lrSchedule)'.")
    }
  }

  /// The settings, with defaults for what is not given.
  func configuration(defaults: TrainingConfiguration = .init()) -> TrainingConfiguration {
    var result = defaults
    result.epochs = epochs ?? result.epochs
    result.batchSize = batch ?? result.batchSize
    result.accumulation = accumulate ?? result.accumulation
    if let optimizer {
      if optimizer != result.optimizer { result.learningRate = optimizer == "adamw" ? 0.001 : 0.01 }
      result.optimizer = optimizer
    }
    result.learningRate = lr ?? result.learningRate
    result.schedule = lrSchedule ?? result.schedule
    result.finalFactor = lrFinal ?? result.finalFactor
    result.warmupEpochs = warmup ?? result.warmupEpochs
    result.momentum = momentum ?? result.momentum
    result.weightDecay = weightDecay ?? result.weightDecay
    if let clip { result.clipNorm = clip == 0 ? nil : clip }
    if let ema { result.averageDecay = ema == 0 ? nil : ema }
    result.freezesNormalization = freezeBn || result.freezesNormalization
    result.recomputes = recompute || result.recomputes
    result.l1 = l1 ?? result.l1
    result.patience = patience ?? result.patience
    result.validationInterval = validateEvery ?? result.validationInterval
    return result
  }
}
