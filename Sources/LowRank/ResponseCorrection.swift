import Execution
import GraphIR
import Compression
import Tensors

/// Refits the last stage of every chain to the original network's responses, in the order of the
/// network.
///
/// The input of a stage comes from the network that is factorised and refitted up to there. So
/// later layers compensate for the errors of earlier ones (asymmetric reconstruction). Moments are
/// streamed, so memory does not grow with the number of images.
///
/// Reference: Zhang, Zou, He and Sun, TPAMI 2016, arXiv:1505.06798, section 3.3. Deviation: all of
/// the last stage's weights are refitted, with a pull towards what they were (see
/// `LeastSquaresReconstruction`), not its singular vectors.
public struct ResponseCorrection: Sendable {
  /// What is refitted.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case none
    /// The constant added to each output, so that its mean is right.
    case bias
    /// The last stage's weights and the constant.
    case leastSquares = "least-squares"
  }

  /// The effect of refitting on one layer.
  public struct StageRefit: Codable, Sendable, Equatable {
    /// The constant that held the layer's weights.
    public var weight: String
    /// The relative squared error of its responses before refitting.
    public var errorBefore: Double
    /// The same after the last stage is refitted.
    public var errorAfter: Double
  }

  /// How responses are sampled.
  public struct Settings: Sendable {
    /// The number of positions for each element of a patch, over all images.
    public var positionsPerWeight = 24.0
    /// The most positions of a layer.
    public var mostPositions = 60_000
    /// The seed of the positions.
    public var seed: UInt64

    /// Settings with the usual number of positions.
    public init(seed: UInt64 = 0) { self.seed = seed }
  }

  /// The network, refitted.
  public private(set) var network: FactorizedNetwork
  /// The refitted layers, in order.
  public private(set) var layers: [StageRefit] = []
  private let original: Graph
  private let settings: Settings
  private let engine: Engine

  /// Refits a network.
  ///
  /// - Parameters:
  ///   - operands: What is known of the original graph's values.
  ///   - fill: Writes image *i* into a session's input.
  ///   - observe: Called with the number of layers done.
  /// - Throws: what sessions and `fill` throw.
  public init(
    _ network: FactorizedNetwork, original: Graph, kind: Kind, settings: Settings,
    inputs: some CalibrationSet, engine: Engine
  ) throws {
    (self.network, self.original, self.settings) = (network, original, settings)
    self.engine = engine
    guard kind != .none, inputs.count > 0 else { return }
    let targets = network.chains.map { chain in
      chain.values.map { Self.output($0, of: chain, in: network.graph) }
    }
    let wanted = network.chains.indices.map { positionCount($0, images: inputs.count) }
    let responses = try self.responses(targets, wanted, inputs)
    let order = network.chains.indices.sorted { firstNode($0) < firstNode($1) }
    try engine.progress.job("refitting", total: order.count, unit: "layers") { done in
      for (place, index) in order.enumerated() {
        try refit(index, targets[index], responses[index], wanted[index], kind, inputs)
        done(place + 1)
      }
    }
  }

  /// The value that the layer made: the last stage's output, or the Gather of it.
  private static func output(
    _ values: [String], of chain: FactorizedNetwork.Chain, in graph: Graph
  ) -> String {
    let last = values.last ?? ""
    guard chain.outputOrder != nil else { return last }
    let gather = graph.nodes.first { $0.qualifiedType == "Gather" && $0.inputs.first == last }
    return gather?.outputs[0] ?? last
  }

  private func firstNode(_ chain: Int) -> Int {
    let value = network.chains[chain].values.first?.first
    return network.graph.nodes.firstIndex { $0.outputs.first == value } ?? 0
  }

  /// The number of positions of each image that are sampled for a chain.
  private func positionCount(_ chain: Int, images: Int) -> Int {
    let weights = network.chains[chain].weights.last.flatMap { network.graph[constant: $0] }
    let depth = (weights?.count ?? 0) / max(weights?.shape.first ?? 1, 1)
    let wanted = max(settings.positionsPerWeight * Double(depth), 2000)
    return Int(
      (min(wanted, Double(settings.mostPositions)) / Double(images)).rounded(.up))
  }

  private func random(_ chain: Int, _ use: Int, _ image: Int) -> CounterRandom {
    CounterRandom(
      seed: settings.seed, stream: UInt64(chain) << 40 | UInt64(use) << 32 | UInt64(image))
  }

  /// By chain and use, the original's responses at the sampled positions of all images,
  /// `[positions, O]`.
  private func responses(
    _ targets: [[String]], _ wanted: [Int], _ inputs: some CalibrationSet
  ) throws -> [[[Float]]] {
    let taps = Set(targets.flatMap { $0 }).sorted()
    let session = try engine.session(original, taps: taps, checksTaps: true)
    var result = targets.map { $0.map { _ in [Float]() } }
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for (chain, names) in targets.enumerated() {
        for (use, name) in names.enumerated() {
          guard let view = session.outputView(name) else { continue }
          let map = ResponseMap(view, network.chains[chain].kind)
          result[chain][use] += map.values(
            at: map.positions(wanted[chain], random(chain, use, image)))
        }
      }
    }
    return result
  }

  private mutating func refit(
    _ chain: Int, _ targets: [String], _ responses: [[Float]], _ wanted: Int, _ kind: Kind,
    _ inputs: some CalibrationSet
  ) throws {
    let places = network.chains[chain].values.map { values in
      network.graph.nodes.firstIndex { $0.outputs.first == values.last }
    }
    guard let name = network.chains[chain].weights.last,
      let tensor = network.graph[constant: name]
    else { return }
    var graph = network.graph
    let sources = places.compactMap { $0.map { graph.nodes[$0].inputs[0] } }
    guard sources.count == places.count else { return }
    graph.outputs = (Set(sources).sorted() + targets).map { ValueInfo(name: $0, type: .undeclared) }
    graph.removeDeadNodes()
    let session = try engine.session(graph, checksTaps: true)
    var operands: [String: Operand] = [:]
    for value in sources + network.chains[chain].values.compactMap(\.last) + targets {
      operands[value] = session.outputView(value).map { Operand(type: $0.type) }
    }
    // Where a Gather follows, the stage's own value is not an output. Its type is that of the
    // target.
    for (values, target) in zip(network.chains[chain].values, targets) {
      if let last = values.last, operands[last] == nil { operands[last] = operands[target] }
    }
    let readers = places.compactMap { place in
      place.flatMap { place -> PatchReader? in
        let node = network.graph.nodes[place]
        guard let rules = engine.registry.weighted(node, in: network.graph) else {
          return nil
        }
        return PatchReader(node, rules, weights: tensor, operands: operands)
      }
    }
    guard readers.count == places.count, let first = readers.first else { return }
    var moments = first.emptyMoments()
    let pool = ThreadPool(threads: engine.threads)
    var rows = Array(repeating: 0, count: readers.count)
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for (use, reader) in readers.enumerated() {
        guard let view = session.outputView(reader.source) else { continue }
        let positions = reader.positions(wanted, random: random(chain, use, image))
        let count = positions.count * reader.outputs
        let target = Array(responses[use][rows[use]..<rows[use] + count])
        rows[use] += count
        reader.add(
          patches: reader.patches(view, at: positions),
          responses: ordered(target, chain, reader.outputs), to: &moments, pool: pool)
      }
    }
    guard let fit = StageFit(first, moments, weights: first.matrix(tensor), kind: kind) else {
      return
    }
    network.refit(chain, weights: first.tensor(fit.weights, like: tensor), constants: fit.intercept)
    layers.append(
      StageRefit(
        weight: network.chains[chain].weight, errorBefore: fit.errorBefore,
        errorAfter: fit.errorAfter))
  }

  /// Responses in the order of the last stage's outputs.
  private func ordered(_ responses: [Float], _ chain: Int, _ outputs: Int) -> [Float] {
    guard let order = network.chains[chain].outputOrder else { return responses }
    var result = responses
    for row in stride(from: 0, to: responses.count, by: outputs) {
      for (channel, place) in order.enumerated() { result[row + place] = responses[row + channel] }
    }
    return result
  }
}

/// A stage's new weights: one fit for each group.
private struct StageFit {
  var weights: [Float]
  var intercept: [Float]
  var errorBefore = 0.0
  var errorAfter = 0.0

  init?(
    _ reader: PatchReader, _ moments: [PatchMoments], weights: [Float],
    kind: ResponseCorrection.Kind
  ) {
    let (share, row) = (reader.outputs / reader.groups, reader.weightsPerOutput)
    let channels = reader.channels / reader.groups
    (self.weights, intercept) = (weights, [])
    let variations = moments.map(\.responseVariation)
    let whole = variations.reduce(0, +)
    for (group, own) in moments.enumerated() {
      let range = group * share * row..<(group + 1) * share * row
      let old = Array(weights[range])
      guard
        let fit = LeastSquaresReconstruction(
          own, weights: old, channels: channels, keeping: Array(0..<channels))
      else { return nil }
      let part = whole > 0 ? variations[group] / whole : 0
      errorBefore += fit.errorBefore * part
      if kind == .leastSquares {
        self.weights.replaceSubrange(range, with: fit.weights)
        intercept += fit.intercept
        errorAfter += fit.errorAfter * part
      } else {
        intercept += own.intercept(weights: old)
        errorAfter += fit.errorBefore * part
      }
    }
  }
}
