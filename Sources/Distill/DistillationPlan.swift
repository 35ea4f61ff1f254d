/// What is decided before a student is trained.
public struct DistillationPlan: Codable, Sendable, Equatable {
  /// The version of this form.
  public var schemaVersion = 1
  /// The SHA-256 digest of the teacher's file.
  public var teacher: String
  /// Where the student comes from.
  public var student: String
  /// The losses between the networks.
  public var losses: [DistillationChoice]
  /// What the label loss is multiplied by; 0 without labels.
  public var labelWeight: Double
  /// Where features are compared; empty when no loss compares features.
  public var points: [FeaturePoint]
  /// Epochs of training.
  public var epochs: Int
  /// The seed.
  public var seed: UInt64

  /// A plan of the given parts.
  public init(
    teacher: String, student: String, losses: [DistillationChoice], labelWeight: Double,
    points: [FeaturePoint], epochs: Int, seed: UInt64
  ) {
    (self.teacher, self.student, self.losses) = (teacher, student, losses)
    (self.labelWeight, self.points) = (labelWeight, points)
    (self.epochs, self.seed) = (epochs, seed)
  }
}
