import Compression
import Execution
import GraphIR
import Tensors

/// Checks the surgery: with factors of full rank the network must compute the same function.
public struct FactorizationProof: Codable, Sendable, Equatable {
  /// The largest difference of each output, divided by the output's largest absolute value.
  public var errors: [String: Double]
  /// The number of inputs that both networks ran on.
  public var images: Int

  /// Whether the layers were replaced one at a time, because rounding added up over all of them.
  public var isByLayer: Bool

  /// The largest of all differences.
  public var largestError: Double { errors.values.max() ?? 0 }
  /// Differences up to this count as rounding.
  public static let bound = 1e-4
  /// Whether the surgery is correct.
  public var holds: Bool { largestError <= Self.bound }

  /// Replaces the layers by factors of full rank and runs both networks.
  ///
  /// All layers are replaced at once. Where the difference exceeds the bound, they are replaced one
  /// at a time, and each must meet the bound.
  ///
  /// Nothing is fused or folded.
  ///
  /// - Throws: what factorisations, sessions and `inputs` throw.
  public init(
    _ graph: Graph, layers: [(layer: FactorizableLayer, factorization: any Factorization)],
    inputs: some CalibrationSet, engine: Engine
  ) throws {
    let factors = try layers.map { ($0.layer, try $0.factorization.exactFactors()) }
    let whole = try engine.session(graph, isRewritten: false, checksTaps: true)
    let feeds = try (0..<inputs.count).map(inputs.feed)
    let expected = try feeds.map(whole.run)
    func differences(_ part: [(FactorizableLayer, LayerFactors)]) throws -> [String: Double] {
      let network = FactorizedNetwork(
        graph, replacing: part.map { (layer: $0.0, factors: $0.1) }, registry: engine.registry)
      let exact = try engine.session(network.graph, isRewritten: false, checksTaps: true)
      var errors: [String: Double] = [:]
      for (feed, output) in zip(feeds, expected) {
        errors.merge(OutputDifference.byName(output, try exact.run(feed))) { max($0, $1) }
      }
      return errors
    }
    (errors, images, isByLayer) = (try differences(factors), feeds.count, false)
    guard !holds, factors.count > 1 else { return }
    (errors, isByLayer) = ([:], true)
    for one in factors { errors.merge(try differences([one])) { max($0, $1) } }
  }
}
