import Execution
import Foundation
import GraphIR
import Compression
import Operators
import Tensors

/// Learns whether each weight is rounded up or down, so that layers answer as they did.
///
/// Rounding to the nearest is not best for a layer's response: errors of weights that work together
/// add up or cancel. With `Δ = s (⌊w / s⌋ + h(v) − w / s)` of an output channel and `G = E[x xᵀ]`
/// over patches x of what the layer reads, rounded as it will be, the loss is
/// `Δᵀ G Δ + λ Σ (1 − |2 h(v) − 1|^β)`, `h(v) = clamp(1.2 σ(v) − 0.1, 0, 1)`, minimised by Adam
/// while β falls from 20 to 2, without the second term for the first fifth.
///
/// Reference: Nagel et al., *Up or Down? Adaptive Rounding for Post-Training Quantization*, ICML
/// 2020, arXiv:2004.10568. Deviations: `Δᵀ G Δ` is what the paper's squared error of responses is
/// in the mean over all patches, so that steps see all of them instead of a batch; patches come
/// from the float network (§4.3's asymmetric form and its activation function are left out); the
/// loss is divided by that of nearest rounding, and at last single weights are flipped while that
/// lowers `Δᵀ G Δ`, so that the result is never worse than nearest rounding.
public struct AdaptiveRounding: Sendable {
  /// How long and on what rounding is learnt.
  public struct Settings: Sendable {
    /// Steps of Adam.
    public var steps = 400
    /// Positions of each image that patches are read at.
    public var positions = 128
    /// What positions are drawn with.
    public var seed: UInt64 = 0

    /// 400 steps.
    public init() {}
  }

  /// What rounding did for one layer.
  public struct LearnedRounding: Codable, Sendable, Equatable {
    /// The layer's first output.
    public var output: String
    /// The mean squared error of its responses with weights rounded to the nearest, as a part of
    /// their variance.
    public var errorBefore: Double
    /// The same with weights rounded as learnt.
    public var errorAfter: Double
  }

  /// Which weights are rounded up, by the layer's first output: a bit a weight in the order of the
  /// weights, lowest bit first.
  public private(set) var roundings: [String: Data] = [:]
  /// What that did.
  public private(set) var layers: [LearnedRounding] = []

  /// Learns the rounding of every quantised layer of a prepared network.
  ///
  /// - Parameters:
  ///   - inputs: The images.
  /// - Throws: What sessions and `inputs` throw.
  public init(
    _ graph: Graph, plan: QuantizationPlan, sites: QuantizationSites,
    inputs: some CalibrationSet, settings: Settings = Settings(), engine: Engine
  ) throws {
    let problems = try Self.problems(graph, plan, sites, engine)
    let pool = ThreadPool(threads: engine.threads)
    try engine.progress.job("rounding", total: problems.count, unit: "layers") { done in
      for batch in Self.batches(problems) {
        let moments = try Self.moments(graph, batch, inputs, settings, engine, pool)
        for (problem, own) in zip(batch, moments) {
          let outcome = problem.solve(own, steps: settings.steps, pool: pool)
          roundings[problem.output] = Self.packed(outcome.up)
          layers.append(outcome.layer)
          done(layers.count)
        }
      }
    }
  }

  /// The bits of a rounding as truth values.
  static func unpacked(_ bits: Data, count: Int) -> [Bool]? {
    guard bits.count == (count + 7) / 8 else { return nil }
    let bytes = [UInt8](bits)
    return (0..<count).map { bytes[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
  }

  private static func packed(_ up: [Bool]) -> Data {
    var bytes = [UInt8](repeating: 0, count: (up.count + 7) / 8)
    for (index, isUp) in up.enumerated() where isUp { bytes[index / 8] |= 1 << UInt8(index % 8) }
    return Data(bytes)
  }

  // MARK: Layers

  private static func problems(
    _ graph: Graph, _ plan: QuantizationPlan, _ sites: QuantizationSites, _ engine: Engine
  ) throws -> [RoundingProblem] {
    let operands = try engine.typed(graph).operands
    let layers = Dictionary(
      WeightedLayers(graph, registry: engine.registry).layers.map { ($0.node, $0) },
      uniquingKeysWith: { first, _ in first })
    let ranges = Dictionary(
      plan.activations.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    let constants = graph.constants
    return sites.nodes.compactMap { index in
      guard let layer = layers[index], sites.isLayer(graph.nodes[index]),
        let reader = PatchReader(
          graph.nodes[index], layer.rules, weights: layer.tensor, operands: operands),
        let range = ranges[sites.scaleOwner(of: reader.source)]
      else { return nil }
      return RoundingProblem(
        graph.nodes[index], layer, reader, input: plan.scheme.activation(range),
        scheme: plan.scheme, constants: constants)
    }
  }

  /// Layers whose moments lie in memory together.
  private static func batches(_ problems: [RoundingProblem]) -> [[RoundingProblem]] {
    var batches: [[RoundingProblem]] = []
    var bytes = Int.max
    for problem in problems {
      if bytes > most { (bytes, batches) = (0, batches + [[]]) }
      batches[batches.count - 1].append(problem)
      bytes += problem.momentBytes
    }
    return batches
  }

  private static let most = 400_000_000

  /// The moments of what layers read, one for each group.
  private static func moments(
    _ graph: Graph, _ problems: [RoundingProblem], _ inputs: some CalibrationSet,
    _ settings: Settings, _ engine: Engine, _ pool: ThreadPool
  ) throws -> [[PatchMoments]] {
    let values = Set(problems.flatMap { [$0.reader.source, $0.reader.output] }).sorted()
    let session = try engine.session(graph, taps: values, checksTaps: true)
    var moments = problems.map { $0.reader.emptyMoments() }
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for (place, problem) in problems.enumerated() {
        let reader = problem.reader
        guard let source = session.outputView(reader.source) ?? session.input(reader.source),
          let output = session.outputView(reader.output)
        else { continue }
        let random = CounterRandom(seed: settings.seed &+ UInt64(image) &* 7919 &+ UInt64(place))
        let positions = reader.positions(settings.positions, random: random)
        reader.add(
          patches: problem.rounded(reader.patches(source, at: positions)),
          responses: reader.responses(output, at: positions), to: &moments[place], pool: pool)
      }
    }
    return moments
  }
}
