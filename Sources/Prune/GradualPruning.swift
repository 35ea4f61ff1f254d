import GraphIR
import Tensors
import Training

/// Masks that grow while a network is trained.
///
/// Masked weights are exactly zero after every step of the optimiser.
///
/// Every `frequency` steps the schedule's sparsity is distributed again over the current weights. A
/// masked weight stays masked. With a criterion that needs gradients, the saliency is summed
/// between two updates of the masks.
public final class GradualPruning: TrainingHook {
  private let request: PruningRequest
  private let schedule: SparsitySchedule
  private let frequency: Int
  private let registry: OperatorRegistry
  private var weights: [PrunableWeights.Weight]
  private var masks: [String: [Float]] = [:]
  private var saliencies: [String: [Float]] = [:]
  private var current = 0.0
  /// Why a mask could not be made.
  public private(set) var failure: (any Error)?

  /// Masks for the weights of a graph.
  ///
  /// - Parameters:
  ///   - request: What is pruned, how far and by which criterion.
  ///   - frequency: Steps of the optimiser between two updates of the masks.
  /// - Throws: ``PruningError`` when nothing may be pruned or a pattern of layers matches none.
  public init(
    _ request: PruningRequest, schedule: SparsitySchedule, frequency: Int, graph: Graph,
    registry: OperatorRegistry
  ) throws {
    self.request = request
    self.schedule = schedule
    self.frequency = max(frequency, 1)
    self.registry = registry
    weights = try request.candidates(in: graph, registry: registry)
    for weight in weights where weight.keptBecause == nil {
      masks[weight.name] = weight.tensor.floats.map { $0 == 0 ? 0 : 1 }
      if request.criterion.needsGradients {
        saliencies[weight.name] = Array(repeating: 0, count: weight.tensor.count)
      }
    }
  }

  // MARK: Taking part in training

  /// Makes the first masks, or applies those of a resumed run.
  public func willTrain(_ step: TrainingStep, at progress: TrainingProgress) {
    if progress.step == 0, !request.criterion.needsGradients { grow(step, at: progress) }
    apply(to: step)
  }

  /// Sums saliencies, and sets the gradients of masked weights to zero.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    for (index, name) in step.parameters.enumerated() {
      guard let mask = masks[name], let gradient = step.gradient(of: index) else { continue }
      if let saliency = request.criterion.saliency {
        let values = step.values(of: index)
        for element in gradient.indices {
          saliencies[name]?[element] += saliency(values[element], gradient[element])
        }
      }
      for element in gradient.indices { gradient[element] *= mask[element] }
    }
  }

  /// Grows the masks when it is time, and applies them.
  public func didUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    if (progress.step + 1) % frequency == 0 { grow(step, at: progress) }
    apply(to: step)
  }

  /// Sets masked weights of averages to zero.
  public func constrain(_ values: inout [String: Tensor]) {
    for (name, mask) in masks {
      values[name]?.withUnsafeMutableElements(as: Float.self) { elements in
        for index in elements.indices where mask[index] == 0 { elements[index] = 0 }
      }
    }
  }

  private func apply(to step: TrainingStep) {
    for (index, name) in step.parameters.enumerated() {
      guard let mask = masks[name] else { continue }
      let values = step.values(of: index)
      for element in values.indices where mask[element] == 0 { values[element] = 0 }
    }
  }

  private func grow(_ step: TrainingStep, at progress: TrainingProgress) {
    let time = Double(progress.step + 1) / Double(max(progress.totalSteps, 1))
    let target = schedule.sparsity(min(time, 1), request.sparsity)
    guard target > current, failure == nil else { return }
    for (index, name) in step.parameters.enumerated() where masks[name] != nil {
      guard let place = weights.firstIndex(where: { $0.name == name }) else { continue }
      weights[place].tensor = Tensor(
        Array(step.values(of: index)), shape: weights[place].tensor.shape)
    }
    do {
      try grow(to: target)
      current = target
    } catch {
      failure = error
    }
  }

  /// Chooses the masks of a sparsity from the current weights.
  private func grow(to target: Double) throws {
    let chosen = try request.selection(among: weights, sparsity: target) { weight, ranking in
      var scores = try saliencies[weight.name] ?? ranking.scores(of: weight)
      if let mask = masks[weight.name] {
        for index in scores.indices where mask[index] == 0 { scores[index] = -.infinity }
      }
      return scores
    }
    for (index, zeros) in chosen {
      for element in zeros { masks[weights[index].name]?[element] = 0 }
    }
    for name in saliencies.keys {
      saliencies[name] = Array(repeating: 0, count: saliencies[name]?.count ?? 0)
    }
  }

  // MARK: State

  /// The fraction of the prunable weights that are masked.
  public var sparsity: Double? {
    let count = masks.values.reduce(0) { $0 + $1.count }
    let zeros = masks.values.reduce(0) { $0 + $1.count { $0 == 0 } }
    return count == 0 ? nil : Double(zeros) / Double(count)
  }

  /// Masks, saliencies and the sparsity they were made for.
  public var state: [String: Tensor] {
    get {
      var state = ["sparsity": Tensor(scalar: current)]
      for (name, mask) in masks { state["mask/\(name)"] = Tensor(mask) }
      for (name, sums) in saliencies { state["saliency/\(name)"] = Tensor(sums) }
      return state
    }
    set {
      current = newValue["sparsity"]?.doubles.first ?? 0
      for name in masks.keys { masks[name] = newValue["mask/\(name)"]?.floats ?? masks[name] }
      for name in saliencies.keys {
        saliencies[name] = newValue["saliency/\(name)"]?.floats ?? saliencies[name]
      }
    }
  }

  /// The plan that corresponds to the current masks, for a model with the trained weights.
  public func plan(for graph: Graph) throws -> PruningPlan {
    let found = try request.candidates(in: graph, registry: registry)
    var chosen: [Int: [Int]] = [:]
    for (index, weight) in found.enumerated() {
      guard let mask = masks[weight.name] else { continue }
      chosen[index] = mask.indices.filter { mask[$0] == 0 }
    }
    return request.plan(found, zeroing: chosen, schedule: schedule.name)
  }
}
