import Distill

/// The record in a distilled model's metadata of how it was made.
public struct DistillRecord: ProvenanceRecord {
  /// The verb that made it.
  public static let verb = "distill"

  var version = Version.text
  /// The SHA-256 digest of the teacher.
  var source: String
  var student: String
  /// The losses with weights and settings; empty for a control.
  var losses: [String]
  var labelWeight: Double
  var epochs: Int
  var seed: UInt64

  /// The record of a plan.
  public init(_ plan: DistillationPlan) {
    (source, student) = (plan.teacher, plan.student)
    losses = plan.losses.map(\.text)
    (labelWeight, epochs, seed) = (plan.labelWeight, plan.epochs, plan.seed)
  }

  /// The record of a plan's control.
  public init(controlOf plan: DistillationPlan) {
    self.init(plan)
    (losses, labelWeight) = ([], 1)
  }
}
