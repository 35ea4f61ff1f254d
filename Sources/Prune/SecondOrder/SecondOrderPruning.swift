import Execution
import GraphIR
import Compression
import Tensors

/// Pruning of weights by second-order information: zeros are chosen and the other weights refitted
/// by least squares, layer by layer.
///
/// Layers are taken in the order of the network. The moments of a layer are those of its input in
/// the network that is pruned up to there, against its response in the original network.
/// ``SparseReconstruction`` chooses the weights that stay, and refits them together with the bias.
///
/// How many weights each layer loses is chosen for the least sum of damages, see
/// ``SparsityLadder``. Damage is measured on the whole network with that layer alone altered, at
/// several sparsities.
///
/// Reference: Frantar and Alistarh, *Optimal Brain Compression*, NeurIPS 2022, arXiv:2208.11580.
/// Deviations: see ``SparseReconstruction`` and ``SparsityLadder``; responses of the whole network
/// are the target of every layer.
public struct SecondOrderPruning {
  /// How a network is sampled and solved.
  public struct Configuration: Sendable {
    /// Which weights become zero: sparsity, scope, pattern, exceptions and seed.
    public var request: PruningRequest
    /// The number of positions for each weight of an output, over all images.
    public var positionsPerWeight = 16.0
    /// The fewest positions of a layer in an image.
    public var leastPositions = 100
    /// The most positions of a layer, over all images.
    public var mostPositions = 48_000
    /// How a layer is solved.
    public var solver = SparseReconstruction.Settings()
    /// The sparsities of a ladder.
    public var rungs = [0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95]
    /// Those of them at which the damage is measured; at the others it follows the layer's error.
    public var measuredRungs = [0.4, 0.7, 0.9]

    /// The usual configuration.
    public init(request: PruningRequest) { self.request = request }
  }

  /// The effect of pruning on one layer.
  public struct SparseRefit: Codable, Sendable, Equatable {
    /// The name of the weight.
    public var weight: String
    /// Relative squared error of the responses with zeros but without refitting.
    public var errorUnfitted: Double
    /// The same with the weights refitted.
    public var error: Double
  }

  /// A pruned network.
  public struct Outcome: Sendable {
    /// The network.
    public var graph: Graph
    /// The layers, in order.
    public var layers: [SparseRefit]
  }

  private let graph: Graph
  private let engine: Engine
  private let configuration: Configuration
  private let inputs: any CalibrationSet
  private let found: [PrunableWeights.Weight]
  private let layers: [ReconstructedLayer]
  private let operands: [String: Operand]
  private var original: OriginalResponses
  private let pool: ThreadPool

  /// Runs a network on images.
  ///
  /// - Parameter observe: Called with the number of images done.
  /// - Throws: ``PruningError``, what sessions and `feed` throw.
  public init(
    _ graph: Graph, configuration: Configuration, inputs: some CalibrationSet, engine: Engine
  ) throws {
    (self.graph, self.configuration, self.engine) = (graph, configuration, engine)
    self.inputs = inputs
    pool = ThreadPool(threads: engine.threads)
    found = try configuration.request.candidates(in: graph, registry: engine.registry)
    try graph.checkWeightsAreFinite(
      registry: engine.registry, excluding: configuration.request.excluded)
    let weighted = WeightedLayers(graph, registry: engine.registry).layers
    let typed = try engine.typed(graph)
    operands = typed.operands
    let links = Connectivity(graph)
    layers = found.enumerated().filter { $0.element.keptBecause == nil }.compactMap {
      ReconstructedLayer(
        $0.offset, $0.element, layers: weighted, graph: graph, operands: typed.operands,
        links: links)
    }.sorted { $0.node < $1.node }
    original = try OriginalResponses(
      layers, in: graph, configuration: configuration, inputs: inputs, engine: engine)
  }

  // MARK: Choosing

  /// How many weights of each layer become zero.
  ///
  /// - Parameters:
  ///   - damage: The distance of a network's outputs from those of the original network.
  ///   - observe: Called with the number of layers done and of all layers.
  /// - Throws: ``PruningError``, what `damage` throws.
  public func plan(damage: (Graph) throws -> Double) throws -> PruningPlan {
    let request = configuration.request
    guard request.scope.needsLadders, request.pattern.sparsity == nil else {
      return try plan(by: [:])
    }
    var ladders: [Int: SparsityLadder] = [:]
    try engine.progress.job(
      "measuring what zeros cost", total: layers.count, unit: "layers"
    ) { done in
      for place in layers.indices {
        ladders[layers[place].index] = try ladder(place, damage)
        done(place + 1)
      }
    }
    return try plan(by: ladders)
  }

  /// The plan of the least sum of damages.
  private func plan(by ladders: [Int: SparsityLadder]) throws -> PruningPlan {
    let request = configuration.request
    let magnitudes = WeightCriterion.magnitude
    var random = CounterRandom(seed: request.seed)
    let chosen = try request.selection(
      among: found, sparsity: request.sparsity, ladders: ladders
    ) { weight, _ in magnitudes.scores(weight.tensor.floats, &random) }
    return request.plan(found, zeroing: chosen)
  }

  /// The damages of one layer's rungs.
  private func ladder(
    _ place: Int, _ damage: (Graph) throws -> Double
  ) throws -> SparsityLadder {
    let layer = layers[place]
    let count = layer.weight.tensor.count
    let problem = try problem(place, original.moments[place])
    var known = SparsityLadder.Shape()
    let rungs = try configuration.rungs.map { sparsity in
      let zeros = Int((sparsity * Double(count)).rounded())
      let fit = problem.solution(
        keeping: count - zeros, pattern: configuration.request.pattern)
      if configuration.measuredRungs.contains(sparsity) {
        var altered = graph
        set(fit, layer, in: &altered)
        known.add(zeros: zeros, error: fit.error, damage: try damage(altered))
      }
      return (zeros: zeros, error: fit.error)
    }
    return SparsityLadder(
      count: count,
      rungs: rungs.map {
        .init(zeros: $0.zeros, damage: known.damage(zeros: $0.zeros, error: $0.error))
      })
  }

  private func problem(_ place: Int, _ moments: [PatchMoments]) throws -> LayerProblem {
    let layer = layers[place]
    return try LayerProblem(
      moments, weights: layer.matrix, channels: layer.reader.channels / layer.reader.groups,
      fitsIntercept: layer.intercept != nil, settings: configuration.solver, pool: pool)
  }

  private func set(
    _ fit: SparseReconstruction, _ layer: ReconstructedLayer, in graph: inout Graph
  ) {
    graph.setConstant(
      layer.weight.name, layer.reader.tensor(fit.weights, like: layer.weight.tensor))
    layer.intercept?.set(fit.intercept, in: &graph, operands: operands)
  }

  // MARK: Applying

  /// The network with the zeros of a plan, refitted from its first layer to its last.
  ///
  /// Layers that cannot be refitted lose their smallest weights.
  ///
  /// - Throws: ``PruningError/otherModel(reason:)``, what sessions and the inputs throw.
  public func apply(_ plan: PruningPlan) throws -> Outcome {
    try plan.check(found)
    var graph = graph
    let fitted = Set(layers.map(\.index))
    let ranking = WeightRanking(
      criterion: .magnitude, pattern: plan.pattern, seed: configuration.request.seed)
    for (index, entry) in plan.layers.enumerated()
    where entry.keptBecause == nil && entry.zeros > 0 && !fitted.contains(index) {
      let weight = found[index]
      let places = try ranking.units(of: weight).leastImportant(entry.zeros)
      try graph.setWeights(
        weight.name, from: weight.tensor, to: weight.tensor.zeroed(at: places),
        registry: engine.registry)
    }
    let runner = try ProgressiveRunner(graph, inputs: inputs, engine: engine)
    var done: [SparseRefit] = []
    try engine.progress.job("refitting", total: layers.count, unit: "layers") { advance in
      for (place, layer) in layers.enumerated()
      where plan.layers[layer.index].keptBecause == nil {
        let entry = plan.layers[layer.index]
        let fit = try problem(place, moments(place, runner, graph)).solution(
          keeping: entry.count - entry.zeros, pattern: plan.pattern)
        set(fit, layer, in: &graph)
        done.append(
          SparseRefit(
            weight: layer.weight.name, errorUnfitted: fit.errorUnfitted, error: fit.error))
        advance(place + 1)
      }
    }
    return Outcome(graph: graph, layers: done)
  }

  /// Moments of a layer's input in the pruned network against its original response.
  private func moments(
    _ place: Int, _ runner: ProgressiveRunner, _ graph: Graph
  ) throws -> [PatchMoments] {
    let layer = layers[place]
    let made = Set(graph.nodes[..<layer.node].flatMap(\.outputs) + graph.inputs.map(\.name))
    guard made.isSuperset(of: layer.uses.flatMap(\.sources)) else { return original.moments[place] }
    var moments = layer.reader.emptyMoments()
    for (use, responses) in zip(layer.uses, original.responses[place]) {
      let targets = try targets(use, of: layer, responses, runner, graph)
      var row = 0
      try runner.read(use.reader.source, before: layer.node, of: graph) { image, view in
        let positions = layer.positions(use, image: image, of: inputs.count, configuration)
        let count = positions.count * use.reader.outputs
        use.reader.add(
          patches: use.reader.patches(view, at: positions),
          responses: Array(targets[row..<row + count]), to: &moments, pool: pool)
        row += count
      }
    }
    return moments
  }

  /// The responses that a layer aims at, less the shortcut of the pruned network.
  private func targets(
    _ use: ReconstructedLayer.Use, of layer: ReconstructedLayer, _ responses: [Float],
    _ runner: ProgressiveRunner, _ graph: Graph
  ) throws -> [Float] {
    guard let shortcut = use.shortcut else { return responses }
    var result = responses
    var row = 0
    try runner.read(shortcut.value, before: layer.node, of: graph) { image, view in
      let positions = layer.positions(use, image: image, of: inputs.count, configuration)
      let count = positions.count * use.reader.outputs
      var part = Array(result[row..<row + count])
      shortcut.add(use.reader.responses(view, at: positions), to: &part, sign: -1)
      result.replaceSubrange(row..<row + count, with: part)
      row += count
    }
    return result
  }
}
