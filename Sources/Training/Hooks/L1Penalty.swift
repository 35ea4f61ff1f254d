/// Adds the gradient `λ · sign(w)` of the penalty `λ · Σ |w|`, which pulls weights towards zero.
///
/// Weights that matter little are small afterwards, as pruning by magnitude assumes. The
/// optimiser's weight decay is the corresponding L2 penalty.
///
/// References: Han et al., *Learning both Weights and Connections*, NIPS 2015, arXiv:1506.02626,
/// §3.1, which compares both. For the γ of batch normalisations: Liu et al., *Network Slimming*,
/// ICCV 2017, arXiv:1708.06519, equation 1.
public final class L1Penalty: TrainingHook {
  private let strength: Float
  private let names: Set<String>

  /// A penalty of the given strength on the weights among some parameters, without biases and
  /// normalisations.
  public convenience init(strength: Float, parameters: [TrainableParameter]) {
    self.init(
      strength: strength, names: Set(parameters.filter { $0.role == .weight }.map(\.name)))
  }

  /// A penalty of the given strength on the parameters of these names.
  public init(strength: Float, names: Set<String>) {
    self.strength = strength
    self.names = names
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
