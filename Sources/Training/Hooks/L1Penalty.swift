/// Pulls weights towards zero while a network trains: adds `λ · sign(w)` to their gradient, that of `λ · Σ |w|`.
///
/// Weights that matter little are small afterwards, which is what pruning by magnitude wants. The optimiser's weight decay is
/// the penalty's square form.
///
/// Reference: Han et al., *Learning both Weights and Connections*, NIPS 2015, arXiv:1506.02626, §3.1, which compares both.
public final class L1Penalty: TrainingHook {
  private let strength: Float
  private let names: Set<String>

  /// A penalty of the given strength on the weights among some parameters; biases and normalisations are left alone.
  public init(strength: Float, parameters: [TrainableParameter]) {
    self.strength = strength
    names = Set(parameters.filter { $0.role == .weight }.map(\.name))
  }

  /// Adds the penalty's gradient.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    for (index, name) in step.parameters.enumerated() where names.contains(name) {
      guard let gradient = step.gradient(of: index) else { continue }
      let values = step.values(of: index)
      for element in gradient.indices {
        let value = values[element]
        gradient[element] += value > 0 ? strength : value < 0 ? -strength : 0
      }
    }
  }
}
