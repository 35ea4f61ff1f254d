/// The progress of training.
public struct TrainingProgress: Codable, Sendable, Equatable {
  /// Epochs that are done.
  public var epoch = 0
  /// Batches of the current epoch that are done.
  public var batch = 0
  /// Steps of the optimiser that are done.
  public var step = 0
  /// Steps of the optimiser in all.
  public var totalSteps = 0
  /// The sums of the loss's parts over the batches of the current epoch.
  var lossSums: [Double] = []
  /// The best score so far.
  public var bestScore: Double?
  /// The epoch of the best score, counted from 1.
  public var bestEpoch = 0
  /// The epochs so far.
  public var history: [EpochRecord] = []
}

/// The results of one epoch.
public struct EpochRecord: Codable, Sendable, Equatable {
  /// The epoch, counted from 1.
  public var epoch: Int
  /// Steps of the optimiser so far.
  public var step: Int
  /// The learning rate of the last step.
  public var learningRate: Double
  /// The mean of each part of the loss.
  public var losses: [Double]
  /// The score on the validation images; `nil` when this epoch was not validated.
  public var score: Double?
  /// Further figures of the validation by name.
  public var metrics: [String: Double] = [:]
  /// The fraction of weights that are zero, where masks are in force.
  public var sparsity: Double?
  /// Wall time of the training part, in seconds.
  public var seconds: Double
  /// Images per second in the training part.
  public var imagesPerSecond: Double
}

/// An event of training for an observer.
public enum TrainingEvent: Sendable {
  /// A batch is done.
  case batch(TrainingProgress, batches: Int, loss: LossValue)
  /// An epoch is done and validated; `isBest` says whether it is the best so far.
  case epoch(EpochRecord, isBest: Bool)
}

/// An observer's answer to an event.
public enum TrainingDirective: Sendable {
  /// Go on.
  case proceed
  /// Stop here; the state can be resumed.
  case stop
}

/// Why training ended.
public enum TrainingEnd: Sendable, Equatable {
  /// All epochs are done.
  case completed
  /// The observer asked to stop.
  case stopped
  /// The score had not improved for as long as the patience allows.
  case outOfPatience
  /// Loss or gradients were no longer finite, at this step of this epoch (counted from 1).
  case diverged(epoch: Int, step: Int)
}
