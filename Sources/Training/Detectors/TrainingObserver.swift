import Execution

/// A progress observer that also shows how training goes.
public protocol TrainingObserver: ProgressObserver {
  /// A trainer is about to run.
  func begin(_ trainer: Trainer)

  /// A batch or an epoch is done.
  func show(_ event: TrainingEvent, of trainer: Trainer)
}
