import ObjectDetection
import Tensors
import Training

/// What a student is trained by: labels, a teacher, or both.
///
/// The loss is `labelWeight · L_labels + Σ weight · L_loss`. Hints may have a stage of their own at
/// the beginning. Then they act alone, and are left out afterwards. As a hook, the objective
/// follows the progress of training.
public final class DistillationObjective: TrainingObjective, TrainingHook {
  /// A loss in force.
  private struct Part {
    var choice: DistillationChoice
    var term: any DistillationTerm
    /// The progress at which its stage ends; `nil` for losses without a stage of their own.
    var stage: Double?
  }

  /// The student's part of the objective.
  public struct Student {
    /// The loss against labels; `nil` to train with the teacher alone.
    public var labels: (any DetectionLoss)?
    /// What the label loss is multiplied by.
    public var labelWeight: Float
    /// The names of the raw head's maps.
    public var head: [String]

    /// A student with a raw head.
    public init(labels: (any DetectionLoss)?, labelWeight: Float = 1, head: [String]) {
      (self.labels, self.labelWeight, self.head) = (labels, labelWeight, head)
    }
  }

  /// The values of the student that are read: its raw head, then its feature points.
  public let taps: [String]
  private let student: Student
  private let points: [FeaturePoint]
  private let parts: [Part]
  private let teacher: any TeacherSource
  private let findings: TeacherFindings?
  /// How many of the teacher's values are its head; the rest are its feature points.
  private let teacherHeadCount: Int
  private var progress = 0.0

  /// The objective of a student.
  ///
  /// - Parameters:
  ///   - teacher: The teacher. Its values are its raw head's maps, then its feature points, then
  ///     the outputs that its boxes are read off.
  ///   - findings: What reads boxes off the outputs; `nil` where no loss asks for them.
  ///   - context: Makes the context of a chosen loss.
  /// - Throws: ``DistillationError`` when a loss does not fit the networks.
  public init(
    student: Student, points: [FeaturePoint], choices: [DistillationChoice],
    teacher: any TeacherSource, findings: TeacherFindings? = nil,
    context: (DistillationChoice) -> DistillationContext
  ) throws {
    (self.student, self.points, self.teacher) = (student, points, teacher)
    self.findings = findings
    var taps = student.head
    for point in points where !taps.contains(point.student.name) { taps.append(point.student.name) }
    self.taps = taps
    teacherHeadCount = teacher.shapes.count - points.count - (findings?.outputs.count ?? 0)
    // When only hints are trained, they have the whole training.
    let isAlone = student.labels == nil && choices.allSatisfy { $0.stage != nil }
    parts = try choices.map { choice in
      guard let loss = DistillationLoss.named(choice.loss) else {
        throw DistillationError.unknown(choice.loss)
      }
      return Part(
        choice: choice, term: try loss.make(context(choice)), stage: isAlone ? nil : choice.stage)
    }
  }

  /// The parts of the label loss, and each loss between the networks by its name.
  public var partNames: [String] { (student.labels?.partNames ?? []) + parts.map(\.choice.loss) }

  /// The loss of a batch, see ``DistillationObjective``.
  public func evaluate(
    _ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool
  ) throws -> LossValue {
    let head = Array(maps.prefix(student.head.count))
    let isStage = parts.contains { $0.stage.map { progress < $0 } ?? false }
    var values: [Double] = []
    if let labels = student.labels {
      values =
        isStage
        ? labels.partNames.map { _ in 0 }
        : weighted(labels.evaluate(head, targets: batch.targets, pool: pool), head)
    }
    let computed = try teacher.values(on: batch.images)
    var known = DistillationBatch(
      pairs: zip(points, computed.dropFirst(teacherHeadCount)).compactMap { point, values in
        guard let index = taps.firstIndex(of: point.student.name) else { return nil }
        return FeaturePair(
          student: maps[index], teacher: values, teacherChannels: point.teacher.channels,
          stride: point.stride)
      },
      head: head, teacherHead: Array(computed.prefix(teacherHeadCount)), targets: batch.targets,
      progress: progress, pool: pool)
    if let findings {
      let first = teacherHeadCount + points.count
      known.findings = try findings.boxes(
        Array(computed.dropFirst(first)), Array(teacher.shapes.dropFirst(first)), pool: pool)
    }
    for part in parts {
      let acts = isStage ? part.stage != nil : part.stage == nil
      values.append(
        acts ? try part.term.evaluate(known, weight: Float(part.choice.weight)) : 0)
    }
    return LossValue(parts: values)
  }

  /// The label loss times its weight, gradients included.
  private func weighted(_ value: LossValue, _ head: [RawMap]) -> [Double] {
    let weight = student.labelWeight
    if weight != 1 {
      for map in head {
        for index in 0..<map.count { map.gradient[index] *= weight }
      }
    }
    return value.parts.map { $0 * Double(weight) }
  }

  // MARK: Hook

  /// Notes the progress of training.
  public func willTrain(_ step: TrainingStep, at progress: TrainingProgress) { follow(progress) }

  /// Notes the progress of training.
  public func didUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    follow(progress, after: 1)
  }

  private func follow(_ progress: TrainingProgress, after steps: Int = 0) {
    self.progress = Double(progress.step + steps) / Double(max(progress.totalSteps, 1))
  }
}

extension DistillationChoice {
  /// The progress at which the loss's own stage ends; `nil` without one.
  fileprivate var stage: Double? {
    settings[DistillationLoss.hintStage].flatMap { $0 > 0 ? $0 : nil }
  }
}
