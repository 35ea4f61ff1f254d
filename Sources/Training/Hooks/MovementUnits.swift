import GraphIR
import Tensors

/// Scales the step of each parameter by a unit u of its own: `w ← w₀ + u · (w − w₀)`, with w₀ the
/// value before the step.
///
/// Steps of AdamW are about as long as the learning rate, whatever the gradients. The same step is
/// too small for channels with large weights and too large for channels with small ones, and folded
/// normalisations leave both. With units, the learning rate is the part of its unit by which a
/// parameter moves.
public final class MovementUnits: TrainingHook {
  /// The units by parameter name: one for all elements, or one for each run of equally many
  /// elements.
  private let units: [String: [Float]]
  private var before: [[Float]] = []

  /// Units of the parameters of a network.
  ///
  /// - Parameter units: The known units. The unit of any other weight or bias is its largest
  ///   magnitude in the network, where that is not zero.
  public init(_ units: [String: [Float]], for graph: Graph, registry: OperatorRegistry) {
    self.units = TrainableParameter.all(in: graph, registry: registry).reduce(into: units) {
      units, parameter in
      guard units[parameter.name] == nil, parameter.role != .normalisation,
        let largest = graph[constant: parameter.name]?.floats.map(abs).max(), largest > 0
      else { return }
      units[parameter.name] = [largest]
    }
  }

  /// Notes the values of the parameters.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    before = step.parameters.indices.map { index in
      units[step.parameters[index]] == nil ? [] : Array(step.values(of: index))
    }
  }

  /// Scales the steps of the parameters.
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
