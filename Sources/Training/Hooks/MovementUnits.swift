import GraphIR
import Tensors

/// Lets parameters move in units of their own: each step makes `w ← w₀ + u · (w − w₀)`, with w₀ the value before it.
///
/// Steps of AdamW are about as long as the learning rate, whatever the gradients: alike for all parameters, they are lost on
/// large channels and drown small ones, of which folded normalisations leave many. With units the rate says what part of its
/// unit a parameter moves by.
public final class MovementUnits: TrainingHook {
  /// One unit a parameter, or one for each run of equally many elements; by name.
  private let units: [String: [Float]]
  private var before: [[Float]] = []

  /// Units of the parameters of a network.
  ///
  /// - Parameter units: What is known; other weights and biases move in units of their largest magnitude in the network, where
  ///   they have one.
  public init(_ units: [String: [Float]], for graph: Graph) {
    self.units = TrainableParameter.all(in: graph).reduce(into: units) { units, parameter in
      guard units[parameter.name] == nil, parameter.role != .normalisation,
        let largest = graph[constant: parameter.name]?.floats.map(abs).max(), largest > 0
      else { return }
      units[parameter.name] = [largest]
    }
  }

  /// Notes where the parameters are.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    before = step.parameters.indices.map { index in
      units[step.parameters[index]] == nil ? [] : Array(step.values(of: index))
    }
  }

  /// Shortens or lengthens their way.
  public func didUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    for (index, name) in step.parameters.enumerated() {
      guard let own = units[name], !own.isEmpty else { continue }
      let (values, old) = (step.values(of: index), before[index])
      let run = max(1, values.count / own.count)
      for place in values.indices {
        let unit = own[min(place / run, own.count - 1)]
        values[place] = old[place] + unit * (values[place] - old[place])
      }
    }
  }
}
