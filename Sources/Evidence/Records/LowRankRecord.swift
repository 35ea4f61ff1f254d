import LowRank

/// The record in a factorised model's metadata of how it was made.
public struct LowRankRecord: ProvenanceRecord {
  /// The verb that made it.
  public static let verb = "lowrank"

  var version = Version.text
  /// The SHA-256 digest of the model it was made from.
  var source: String
  var methods: [String]
  var rule: String
  /// The number of factorised layers.
  var layers: Int
  /// The largest normalised difference that the proof found.
  var proof: Double
  var seed: UInt64

  /// The record of a plan.
  public init(_ plan: DecompositionPlan, proof: FactorizationProof, source: ModelArtifact) {
    (self.source, rule, seed) = (source.sha256, plan.rule, plan.seed)
    methods = Set(plan.layers.map(\.method)).sorted()
    (layers, self.proof) = (plan.layers.count, proof.largestError)
  }
}
