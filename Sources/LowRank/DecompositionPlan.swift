/// Which layers are factorised, how and at which rank.
///
/// The plan holds no weights.
public struct DecompositionPlan: Codable, Sendable, Equatable {
  /// One factorised layer.
  public struct FactorizedLayer: Codable, Sendable, Equatable {
    /// The constant that holds the weights.
    public var weight: String
    /// Their shape as `[O, I, kernel…]`.
    public var shape: [Int]
    /// The method's name.
    public var method: String
    /// Its rank: one number or several.
    public var rank: [Int]
    /// `‖W − Ŵ‖ / ‖W‖`.
    public var reconstructionError: Double
    /// Weights before and after.
    public var parameters: Change
    /// Multiply–accumulates before and after.
    public var macs: Change
    /// Latency on this machine, `nil` when it was not measured.
    public var timing: LayerTiming?

    /// A factorised layer.
    public init(
      weight: String, shape: [Int], method: String, rank: [Int], reconstructionError: Double,
      parameters: Change, macs: Change, timing: LayerTiming?
    ) {
      (self.weight, self.shape, self.method, self.rank) = (weight, shape, method, rank)
      (self.reconstructionError, self.parameters) = (reconstructionError, parameters)
      (self.macs, self.timing) = (macs, timing)
    }
  }

  /// A count before and after.
  public struct Change: Codable, Sendable, Equatable {
    /// Before.
    public var before: Int
    /// After.
    public var after: Int

    /// A count before and after.
    public init(before: Int, after: Int) { (self.before, self.after) = (before, after) }
  }

  /// The layout of the file.
  public var schemaVersion = 1
  /// The unit of the plan.
  public var unit = "layer"
  /// How ranks were chosen.
  public var rule: String
  /// The seed of random starts.
  public var seed: UInt64
  /// The factorised layers, in the order of the network.
  public var layers: [FactorizedLayer]
  /// The layers that are not factorised, and why.
  public var skipped: [FactorizableLayers.Skipped]

  /// A plan of the given parts.
  public init(
    rule: String, seed: UInt64, layers: [FactorizedLayer], skipped: [FactorizableLayers.Skipped]
  ) {
    (self.rule, self.seed, self.layers, self.skipped) = (rule, seed, layers, skipped)
  }

  /// The number of layers that are not factorised, by reason.
  public var reasons: [String: Int] {
    skipped.reduce(into: [:]) { $0[$1.reason, default: 0] += 1 }
  }
}
