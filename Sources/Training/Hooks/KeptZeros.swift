import Tensors

/// Keeps weights at exactly zero that are zero when training begins, so that a pruned network keeps
/// its sparsity pattern.
///
/// Only weight tensors that have zeros are changed; biases and normalisations are not.
public final class KeptZeros: TrainingHook {
  private let names: Set<String>
  /// The indices of the zeros of each weight that has some.
  private var zeros: [String: [Int]] = [:]
  private var weights = 0

  /// Keeps the zeros of the weights among some parameters.
  public init(parameters: [TrainableParameter]) {
    names = Set(parameters.filter { $0.role == .weight }.map(\.name))
  }

  /// Notes which weights are zero.
  public func willTrain(_ step: TrainingStep, at progress: TrainingProgress) {
    weights = 0
    for (index, name) in step.parameters.enumerated() where names.contains(name) {
      let values = step.values(of: index)
      weights += values.count
      let places = values.indices.filter { values[$0] == 0 }
      if !places.isEmpty { zeros[name] = places }
    }
  }

  /// Sets these weights to zero again.
  public func didUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    for (index, name) in step.parameters.enumerated() {
      guard let places = zeros[name] else { continue }
      let values = step.values(of: index)
      for place in places { values[place] = 0 }
    }
  }

  /// Sets these weights to zero in averages, too.
  public func constrain(_ values: inout [String: Tensor]) {
    for (name, places) in zeros {
      values[name]?.withUnsafeMutableElements(as: Float.self) { elements in
        for place in places { elements[place] = 0 }
      }
    }
  }

  /// The fraction of the weights that are kept at zero; `nil` when there is none.
  public var sparsity: Double? {
    let count = zeros.values.reduce(0) { $0 + $1.count }
    return count == 0 ? nil : Double(count) / Double(max(weights, 1))
  }
}
