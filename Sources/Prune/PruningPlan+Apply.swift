import GraphIR
import Compression
import Tensors

extension PruningPlan {
  /// The graph with the chosen weights set to zero.
  ///
  /// Every other byte stays.
  ///
  /// - Parameter criterion: The criterion that the plan was made by; `nil` to find it by its name.
  /// - Throws: ``PruningError/otherModel(reason:)`` when the graph is not the one the plan was made
  ///   for, ``PruningError/unknown(kind:name:known:)`` when the criterion is not known.
  public func applied(
    to graph: Graph, registry: OperatorRegistry, by criterion: WeightCriterion? = nil
  ) throws -> Graph {
    let ranking = try replayedRanking(criterion)
    let found = PrunableWeights(graph, registry: registry, keepsEnds: false).weights
    try check(found)
    var result = graph
    for (layer, weight) in zip(layers, found) where layer.keptBecause == nil && layer.zeros > 0 {
      let chosen = try ranking.units(of: weight).leastImportant(layer.zeros)
      let pruned = weight.tensor.zeroed(at: chosen)
      try result.setWeights(weight.name, from: weight.tensor, to: pruned, registry: registry)
    }
    return result
  }

  /// The ranking of weights by the plan's criterion.
  ///
  /// - Throws: ``PruningError/unknown(kind:name:known:)``, ``PruningError/notReplayable(method:)``.
  func replayedRanking(_ own: WeightCriterion? = nil) throws -> WeightRanking {
    let own = own?.name == method ? own : nil
    guard let criterion = own ?? WeightCriterion.named(method) else {
      throw PruningError.unknown(
        kind: "method", name: method, known: WeightCriterion.all.map(\.name))
    }
    guard !criterion.needsImages else { throw PruningError.needsImages(method: method) }
    guard schedule == nil, !criterion.needsGradients else {
      throw PruningError.notReplayable(method: method)
    }
    return WeightRanking(criterion: criterion, pattern: pattern, seed: seed)
  }

  /// Whether the plan was made for these weights.
  ///
  /// - Throws: ``PruningError/otherModel(reason:)``.
  func check(_ found: [PrunableWeights.Weight]) throws {
    guard found.map(\.name) == layers.map(\.weight) else {
      throw PruningError.otherModel(
        reason: "it names \(layers.count) weights, the model has \(found.count), or they differ")
    }
    for (layer, weight) in zip(layers, found) where layer.shape != weight.tensor.shape {
      throw PruningError.otherModel(
        reason: "'\(layer.weight)' is \(weight.tensor.shape), the plan says \(layer.shape)")
    }
    guard WeightFingerprint(found).text == fingerprint else {
      throw PruningError.otherModel(reason: "the weights have other values; make a new plan")
    }
    for (layer, weight) in zip(layers, found) {
      let numbers = [layer.zeros, layer.zerosBefore, layer.zerosAfter]
      guard layer.count == weight.tensor.count, numbers.allSatisfy({ 0...layer.count ~= $0 }) else {
        throw PruningError.otherModel(
          reason: "it zeroes \(layer.zeros) of the \(layer.count) weights of '\(layer.weight)', "
            + "which has \(weight.tensor.count)")
      }
    }
  }
}

extension Tensor {
  /// The number of elements equal to zero, −0 included.
  var zeroCount: Int {
    guard elementType.isFloatingPoint else { return 0 }
    if elementType == .float32 {
      return withUnsafeElements(as: Float.self) { $0.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } }
    }
    return doubles.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
  }

  /// The tensor with +0 at the given flat indices.
  func zeroed(at indices: [Int]) -> Tensor {
    var result = self
    result.makeUnique()
    let size = elementType.bitWidth / 8
    let bytes = result.rawBytes
    for index in indices {
      for byte in index * size..<(index + 1) * size { bytes[byte] = 0 }
    }
    return result
  }
}
