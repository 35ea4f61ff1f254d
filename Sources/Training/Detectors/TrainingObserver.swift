import Execution

/// A progress observer that also shows the progress of training.
public protocol TrainingObserver: ProgressObserver {
  /// A trainer is about to run.
  func begin(_ trainer: Trainer)

  /// A batch or an epoch is done.
  func show(_ event: TrainingEvent, of trainer: Trainer)
}
