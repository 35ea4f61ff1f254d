import Tensors

/// Which weights of a model become zero: chosen once, then printed, saved, compared or applied.
///
/// The plan holds how many weights of each layer become zero. Which ones follows from the
/// criterion, the seed and the weights, whose fingerprint the plan keeps.
public struct PruningPlan: Codable, Sendable, Equatable {
  /// One weight tensor.
  public struct PrunedLayer: Codable, Sendable, Equatable {
    /// The name of the constant.
    public var weight: String
    /// The node that reads it.
    public var layer: String
    /// The shape.
    public var shape: [Int]
    /// The number of weights.
    public var count: Int
    /// The weights that are zero before.
    public var zerosBefore: Int
    /// The weights that the plan sets to zero, the least important first, including those that are
    /// zero before.
    public var zeros: Int
    /// The weights that are zero afterwards.
    public var zerosAfter: Int
    /// Why the layer is kept whole, `nil` when it is pruned.
    public var keptBecause: PrunableWeights.KeepReason?

    /// The fraction of the weights that are zero afterwards.
    public var sparsity: Double {
      count == 0 ? 0 : Double(zerosAfter) / Double(count)
    }
  }

  /// The version of this layout.
  public var schemaVersion = 1
  /// The criterion's name.
  public var method: String
  /// The sparsity asked for.
  public var targetSparsity: Double
  /// The scope's name; `pattern` when an N:M pattern fixes every layer.
  public var scope: String
  /// Which weights become zero together.
  public var pattern: SparsityPattern
  /// The seed of the random numbers a criterion may draw.
  public var seed: UInt64
  /// The name of the ``SparsitySchedule`` by which training made the zeros; `nil` for pruning
  /// alone.
  public var schedule: String?
  /// What identifies the weights the plan was made for.
  public var fingerprint: String
  /// All weights of the model, pruned or kept, in the order of the network.
  public var layers: [PrunedLayer]

  /// The weights that may be pruned.
  public var prunable: Int { layers.reduce(0) { $0 + ($1.keptBecause == nil ? $1.count : 0) } }
  /// The prunable weights that are zero afterwards.
  public var zeros: Int {
    layers.reduce(0) { $0 + ($1.keptBecause == nil ? $1.zerosAfter : 0) }
  }
  /// The fraction of the prunable weights that are zero afterwards.
  public var sparsity: Double { prunable == 0 ? 0 : Double(zeros) / Double(prunable) }
  /// Whether applying the plan alters nothing.
  public var isIdentity: Bool { layers.allSatisfy { $0.zerosAfter == $0.zerosBefore } }
}
