import Prune

/// The record in a pruned model's metadata of how it was made.
public struct PruningRecord: ProvenanceRecord {
  /// The verb that made it.
  public static let verb = "prune"

  var version = Version.text
  /// The SHA-256 digest of the model it was made from.
  var source: String
  var method: String
  var scope: String
  var pattern: String?
  var sparsity: Double?
  var schedule: String?
  /// The fraction of the channels that was removed.
  var channelRatio: Double?
  /// The largest normalised difference that the surgery's proof found.
  var proof: Double?
  var seed: UInt64

  /// The record of weights set to zero; `nil` when the plan changes nothing.
  public init?(_ plan: PruningPlan, source: ModelArtifact) {
    guard !plan.isIdentity || plan.schedule != nil else { return nil }
    (self.source, method, scope) = (source.sha256, plan.method, plan.scope)
    (pattern, sparsity, schedule) = ("\(plan.pattern)", plan.targetSparsity, plan.schedule)
    seed = plan.seed
  }

  /// The record of channels removed.
  public init(_ plan: ChannelPlan, proof: ChannelProof, source: ModelArtifact) {
    (self.source, method, scope) = (source.sha256, plan.method, plan.allocation)
    (channelRatio, self.proof, seed) = (plan.channelRatio, proof.largestError, plan.seed)
  }
}
