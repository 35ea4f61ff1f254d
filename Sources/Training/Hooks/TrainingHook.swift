import Tensors

/// Something that takes part in every step of the optimiser: masks, regularisers.
public protocol TrainingHook: AnyObject {
  /// Called once before the first batch of a run, a resumed one included; may alter values.
  func willTrain(_ step: TrainingStep, at progress: TrainingProgress)

  /// Called before the optimiser moves the parameters; may alter gradients.
  func willUpdate(_ step: TrainingStep, at progress: TrainingProgress)

  /// Called after the optimiser has moved the parameters; may alter values.
  func didUpdate(_ step: TrainingStep, at progress: TrainingProgress)

  /// Applies the hook's constraints to averaged values.
  func constrain(_ values: inout [String: Tensor])

  /// The fraction of weights that the hook keeps at zero; `nil` when it has no such constraint.
  var sparsity: Double? { get }

  /// The state that a resumed run needs, by name.
  var state: [String: Tensor] { get set }
}

extension TrainingHook {
  /// Nothing.
  public func willTrain(_ step: TrainingStep, at progress: TrainingProgress) {}
  /// Nothing.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {}
  /// Nothing.
  public func didUpdate(_ step: TrainingStep, at progress: TrainingProgress) {}
  /// Nothing.
  public func constrain(_ values: inout [String: Tensor]) {}
  /// None.
  public var sparsity: Double? { nil }
  /// None.
  public var state: [String: Tensor] {
    get { [:] }
    set {}
  }
}
