import Evidence
import Compression
import Distill
import Foundation
import Reports

/// What `compress distill` prints.
struct DistillResult: CompressionResult {
  var schemaVersion = 1
  var teacher: String
  /// The file written, `nil` after a dry run.
  var output: String?
  var plan: DistillationPlan
  /// What the teacher is.
  var before: ModelEvidence?
  /// What the student became.
  var after: ModelEvidence?
  /// The student file as it came; `nil` for a new student.
  var studentBefore: ModelEvidence?
  /// The student trained on labels alone; `nil` without `--control`.
  var control: ModelEvidence?
  /// Its file.
  var controlOutput: String?
  /// Images whose values came from the cache; `nil` without one.
  var cacheHits: Int?
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]?
  /// What compressing did to the detector; `nil` where nothing tells.
  var damage: Damage?
  /// How far what the file computes is from what the plan predicts; `nil` where it was not run.
  var verification: Prediction.Verification?

  /// The result of a plan that has not been carried out.
  init(teacher: String, plan: DistillationPlan) { (self.teacher, self.plan) = (teacher, plan) }

  /// The result for people.
  var text: String {
    var parts = [heading, points].filter { !$0.isEmpty }
    if let before, let after {
      let models = [before] + [studentBefore].compactMap { $0 } + [after]
      let titles = ["teacher"] + (studentBefore == nil ? [] : ["student"]) + ["distilled"]
      parts.append(
        ComparisonTable(
          models: models + [control].compactMap { $0 },
          titles: titles + (control == nil ? [] : ["control"])
        ).text)
    }
    if let gain {
      parts.append(gain)
    }
    if let cacheHits { parts.append("The teacher's values of \(cacheHits) images were cached.") }
    if let output {
      parts.append(
        verification.sentence(output)
          + (controlOutput.map { " The control is \($0)." } ?? ""))
    } else {
      parts.append("Nothing was trained or written (--dry-run).")
    }
    return parts.joined(separator: "\n\n")
  }

  private var heading: String {
    let labels =
      plan.labelWeight > 0 ? "labels × \(plan.labelWeight) and " : "without labels, "
    let losses = plan.losses.map(\.text).joined(separator: ", ")
    return "student \(plan.student) learns from \(teacher): \(labels)\(losses); "
      + "\(plan.epochs) epochs, seed \(plan.seed)"
  }

  private var points: String {
    guard !plan.points.isEmpty else { return "" }
    return "feature points, teacher → student:\n"
      + plan.points.map { "  " + $0.text }.joined(separator: "\n")
  }

  /// What distillation brought against the control.
  private var gain: String? {
    guard let own = after?.accuracy?["AP"], let other = control?.accuracy?["AP"] else {
      return nil
    }
    return "Against the control, the same student with the same seed and budget on labels alone: "
      + String(format: "%+.4f AP (%.4f, control %.4f).", own - other, own, other)
  }
}
