import Execution
import GraphIR
import Layers
import Tensors

/// Checks the surgery: with factors of full rank the network computes what it computed.
public struct FactorizationProof: Codable, Sendable, Equatable {
  /// The largest difference of each output, in parts of the output's largest absolute value.
  public var errors: [String: Double]
  /// The inputs that both networks saw.
  public var images: Int

  /// The largest of all differences.
  public var largestError: Double { errors.values.max() ?? 0 }
  /// Differences up to this are rounding.
  public static let bound = 1e-4
  /// Whether the surgery did what it should.
  public var holds: Bool { largestError <= Self.bound }

  /// Replaces the layers by factors of full rank and runs both networks.
  ///
  /// - Parameter feeds: Values for the inputs, once for each run.
  /// - Throws: what factorisations and sessions throw.
  public init(
    _ graph: Graph, layers: [(layer: FactorizableLayer, factorization: any Factorization)],
    registry: OperatorRegistry, options: SessionOptions, feeds: [[String: Tensor]]
  ) throws {
    let network = FactorizedNetwork(
      graph, replacing: try layers.map { ($0.layer, try $0.factorization.exactFactors()) })
    let whole = try Session(graph, registry: registry, options: options)
    let exact = try Session(network.graph, registry: registry, options: options)
    (errors, images) = ([:], feeds.count)
    for feed in feeds {
      errors.merge(OutputDifference.byName(try whole.run(feed), try exact.run(feed))) {
        max($0, $1)
      }
    }
  }
}
