import GraphIR
import Compression
import Tensors

/// The settings of unstructured pruning.
///
/// ``plan(for:registry:)`` turns them into a ``PruningPlan``.
public struct PruningRequest: Sendable {
  /// The importance of weights.
  public var criterion = WeightCriterion.magnitude
  /// The fraction of the prunable weights that become zero, 0 ..< 1.
  public var sparsity = 0.5
  /// How the target is distributed over layers.
  public var scope = SparsityScope.global
  /// Which weights become zero together.
  public var pattern = SparsityPattern.unstructured
  /// Layers with a sparsity of their own.
  ///
  /// They do not count towards the common target.
  ///
  /// A layer named here is pruned even if it is a first layer or a detection output.
  public var overrides: [(layers: NamePattern, sparsity: Double)] = []
  /// Layers to keep whole.
  public var excluded: [NamePattern] = []
  /// Whether first layers and detection outputs are kept.
  public var keepsEnds = true
  /// The seed for criteria that draw random numbers.
  public var seed: UInt64 = 0

  /// A request for half of the weights by magnitude.
  public init() {}

  /// Chooses how many weights of each layer become zero.
  ///
  /// The number of zeros is exactly `round(sparsity × prunable)`, or with blocks within one block
  /// of it. N:M patterns fix each layer's sparsity. They skip layers whose input channels are not
  /// divisible by M.
  ///
  /// - Throws: ``PruningError``.
  public func plan(for graph: Graph, registry: OperatorRegistry) throws -> PruningPlan {
    guard !criterion.needsGradients else {
      throw PruningError.needsGradients(method: criterion.name)
    }
    let found = try candidates(in: graph, registry: registry)
    let chosen = try selection(among: found, sparsity: sparsity) { weight, ranking in
      try ranking.scores(of: weight)
    }
    return plan(found, zeroing: chosen)
  }

  /// The weights of a graph, with the reason why some are kept whole.
  ///
  /// - Throws: ``PruningError`` when none may be pruned or a pattern of layers matches none.
  func candidates(
    in graph: Graph, registry: OperatorRegistry
  ) throws -> [PrunableWeights.Weight] {
    var found = PrunableWeights(
      graph, registry: registry, excluded: excluded, keepsEnds: keepsEnds
    ).weights
    try checkPatterns(found)
    for index in found.indices { settle(&found[index]) }
    guard sparsity == 0 || found.contains(where: { $0.keptBecause == nil }) else {
      throw PruningError.nothingToPrune(
        kept: found.reduce(into: [:]) { kept, weight in
          if let reason = weight.keptBecause { kept[reason, default: 0] += 1 }
        })
    }
    return found
  }

  /// The flat indices of the weights to zero in each tensor, by the tensor's index among those
  /// found.
  ///
  /// - Parameter ladders: The measured damage of zeros in a layer, by its index, for a scope that
  ///   needs it.
  ///
  /// Layers with a sparsity of their own get it multiplied by the ratio of `sparsity` to the
  /// request's.
  func selection(
    among found: [PrunableWeights.Weight], sparsity: Double, ladders: [Int: SparsityLadder] = [:],
    scores: (PrunableWeights.Weight, WeightRanking) throws -> [Float]
  ) throws -> [Int: [Int]] {
    let open = found.indices.filter { found[$0].keptBecause == nil }
    let ranking = WeightRanking(criterion: criterion, pattern: pattern, seed: seed)
    let scoped = try open.map { index in
      ScopedLayer(
        shape: found[index].tensor.shape, count: found[index].tensor.count,
        units: WeightUnits(
          found[index], scores: try scores(found[index], ranking), pattern: pattern),
        ladder: ladders[index])
    }
    var chosen = [Int: [Int]]()
    let counts = allocate(scoped, open.map { found[$0] }, sparsity: sparsity)
    for (place, count) in counts.enumerated() {
      chosen[open[place]] = scoped[place].units.leastImportant(count)
    }
    return chosen
  }

  /// The plan that zeroes the given weights.
  func plan(
    _ found: [PrunableWeights.Weight], zeroing chosen: [Int: [Int]], schedule: String? = nil
  ) -> PruningPlan {
    var plan = PruningPlan(
      method: criterion.name, targetSparsity: pattern.sparsity ?? sparsity,
      scope: pattern.sparsity == nil ? scope.name : "pattern", pattern: pattern, seed: seed,
      fingerprint: WeightFingerprint(found).text,
      layers: found.indices.map { layer(found[$0], zeroing: chosen[$0] ?? []) })
    plan.schedule = schedule
    return plan
  }

  private func layer(_ weight: PrunableWeights.Weight, zeroing chosen: [Int])
    -> PruningPlan.PrunedLayer
  {
    let before = weight.tensor.zeroCount
    let values = chosen.isEmpty ? [] : weight.tensor.floats
    return PruningPlan.PrunedLayer(
      weight: weight.name, layer: weight.layer, shape: weight.tensor.shape,
      count: weight.tensor.count, zerosBefore: before, zeros: chosen.count,
      zerosAfter: before + chosen.count { values[$0] != 0 }, keptBecause: weight.keptBecause)
  }

  private func override(for weight: PrunableWeights.Weight) -> Double? {
    overrides.last { $0.layers.matches(weight.nodeName) || $0.layers.matches(weight.name) }?
      .sparsity
  }

  /// Allows first and last layers that an override names, and keeps layers whole that the pattern
  /// does not fit.
  private func settle(_ weight: inout PrunableWeights.Weight) {
    let isEnd = weight.keptBecause == .firstLayer || weight.keptBecause == .detectionOutput
    if isEnd && override(for: weight) != nil { weight.keptBecause = nil }
    if case .keep(_, let group) = pattern, weight.keptBecause == nil,
      weight.tensor.shape[weight.inputAxis] % group != 0
    {
      weight.keptBecause = .patternDoesNotFit
    }
  }

  private func allocate(
    _ scoped: [ScopedLayer], _ weights: [PrunableWeights.Weight], sparsity: Double
  ) -> [Int] {
    let progress = self.sparsity > 0 ? sparsity / self.sparsity : 1
    if pattern.sparsity != nil { return scoped.map { $0.units.scores.count } }
    var zeros = [Int](repeating: 0, count: scoped.count)
    var common: [Int] = []
    for (index, weight) in weights.enumerated() {
      if let own = override(for: weight) {
        zeros[index] = Int((own * progress * Double(scoped[index].count)).rounded())
      } else {
        common.append(index)
      }
    }
    let total = common.reduce(0) { $0 + scoped[$1].count }
    let target = Int((sparsity * Double(total)).rounded())
    let counts = scope.allocate(common.map { scoped[$0] }, target)
    for (index, count) in zip(common, wholeBlocks(common.map { scoped[$0].units }, counts)) {
      zeros[index] = count
    }
    return zeros
  }

  /// Counts rounded to whole blocks, the largest remainders up.
  ///
  /// The sum is less than a block short.
  private func wholeBlocks(_ units: [WeightUnits], _ counts: [Int]) -> [Int] {
    guard case .block(let outputs, let inputs) = pattern else { return counts }
    var whole = zip(units, counts).map { $0.leastImportant($1).count }
    var missing = counts.reduce(0, +) - whole.reduce(0, +)
    let order = counts.indices.sorted {
      (counts[$1] - whole[$1], $0) < (counts[$0] - whole[$0], $1)
    }
    for index in order where missing > 0 {
      let room = min(missing, outputs * inputs)
      let grown = units[index].leastImportant(whole[index] + room).count
      missing -= grown - whole[index]
      whole[index] = grown
    }
    return whole
  }

  private func checkPatterns(_ found: [PrunableWeights.Weight]) throws {
    for pattern in excluded + overrides.map(\.layers)
    where !found.contains(where: { pattern.matches($0.nodeName) || pattern.matches($0.name) }) {
      throw PruningError.noSuchLayer(pattern: pattern.text, known: found.map(\.name))
    }
  }
}
