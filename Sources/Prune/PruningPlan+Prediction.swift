import GraphIR
import Compression
import Tensors

extension PruningPlan {
  /// The graph whose layers read their weights times the plan's masks of 0 and 1.
  ///
  /// A pruned file must compute the same function.
  ///
  /// It does not use the code that stores zeros, so it can verify files.
  ///
  /// - Throws: What ``applied(to:registry:by:)`` throws.
  public func predicted(
    for graph: Graph, registry: OperatorRegistry, by criterion: WeightCriterion? = nil
  ) throws -> Graph {
    let ranking = try replayedRanking(criterion)
    let found = PrunableWeights(graph, registry: registry, keepsEnds: false).weights
    var result = graph
    var names = FreshNames(graph)
    for (layer, weight) in zip(layers, found) where layer.keptBecause == nil && layer.zeros > 0 {
      guard weight.tensor.elementType == .float32 else {
        throw PruningError.notReplayable(method: method)
      }
      var mask = [Float](repeating: 1, count: weight.tensor.count)
      for index in try ranking.units(of: weight).leastImportant(layer.zeros) { mask[index] = 0 }
      let (constant, masked) = (
        names.value("\(weight.name)/mask"), names.value("\(weight.name)/masked")
      )
      result[constant: constant] = Tensor(mask, shape: weight.tensor.shape)
      result.replaceUses(of: weight.name, with: masked)
      let maker = result.nodes.firstIndex { $0.outputs.contains(weight.name) }
      result.nodes.insert(
        Node("Mul", inputs: [weight.name, constant], outputs: [masked]),
        at: maker.map { $0 + 1 } ?? 0)
    }
    return result
  }
}
