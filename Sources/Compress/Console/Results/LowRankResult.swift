import Evidence
import Compression
import Foundation
import LowRank
import Reports
import Training

/// What `compress lowrank` prints.
struct LowRankResult: CompressionResult {
  var schemaVersion = 1
  var input: String
  /// The file written, `nil` after a dry run.
  var output: String?
  var plan: DecompositionPlan
  /// Whether a budget was met.
  var isTargetMet: Bool
  /// What the surgery was checked by; `nil` after a dry run.
  var proof: FactorizationProof?
  /// What refitting did to the layers; `nil` without.
  var corrections: [ResponseCorrection.StageRefit]?
  /// Epochs of training; `nil` for none.
  var epochs: Int?
  /// The training without labels; `nil` for none.
  var recovery: RecoveryLog?
  var remarks: [String] = []
  var before: ModelEvidence?
  var after: ModelEvidence?
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]?
  /// What compressing did to the detector; `nil` where nothing tells.
  var damage: Damage?
  /// How far what the file computes is from what the plan predicts; `nil` where it was not run.
  var verification: Prediction.Verification?

  /// The result of a plan that has not been applied.
  init(input: String, plan: DecompositionPlan, isTargetMet: Bool) {
    (self.input, self.plan, self.isTargetMet) = (input, plan, isTargetMet)
  }

  /// What the proof says, in a sentence.
  static func proofNote(_ proof: FactorizationProof) -> String {
    String(
      format:
        "Surgery proved on %d inputs: with factors of full rank%@, at most %.1e of an output's range "
        + "from the original network (bound %.0e).", proof.images,
      proof.isByLayer ? " in one layer at a time" : "", proof.largestError,
      FactorizationProof.bound)
  }

  /// The result for people.
  var text: String {
    var parts = [heading, layers, kept]
    if let before, let after {
      parts.append(ComparisonTable(models: [before, after], titles: ["before", "after"]).text)
    }
    if let proof { parts.append(Self.proofNote(proof)) }
    if let recovery { parts.append(recovery.sentence) }
    if let output {
      parts.append(verification.sentence(output))
    } else {
      parts.append("Nothing was written (--dry-run).")
    }
    return parts.joined(separator: "\n\n")
  }

  private var heading: String {
    let trained = epochs.map { ", \($0) epochs of training" } ?? ""
    let all = plan.layers.count + plan.skipped.count
    let methods = Set(plan.layers.map(\.method)).sorted().joined(separator: ", ")
    return "low-rank factorisation by \(methods), ranks by \(plan.rule)\(trained): "
      + "\(plan.layers.count) of \(all) layers are factorised"
      + (isTargetMet ? "" : "; the budget is not met")
  }

  private var layers: String {
    var table = Table([
      ("layer", .left), ("shape", .left), ("method", .left), ("rank", .right),
      ("weight error", .right), ("response error", .right), ("weights", .right), ("MACs", .right),
      ("latency", .right),
    ])
    let errors = Dictionary(
      uniqueKeysWithValues: (corrections ?? []).map { ($0.weight, $0.errorAfter) })
    for layer in plan.layers {
      table.append([
        String(layer.weight.suffix(36)), layer.shape.map(String.init).joined(separator: "×"),
        layer.method, layer.rank.text, String(format: "%.4f", layer.reconstructionError),
        errors[layer.weight].map { String(format: "%.4f", $0) } ?? "",
        Self.part(layer.parameters), Self.part(layer.macs),
        layer.timing.map { Format.percent($0.after / max($0.before, 1e-9)) } ?? "",
      ])
    }
    return table.text
      + "\n(weights, MACs and latency: what is left of the layer's; response error: squared, refitted)"
  }

  private var kept: String {
    plan.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      "kept whole: \($0.value) \($0.value == 1 ? "layer" : "layers"), \($0.key)"
    }.joined(separator: "\n")
  }

  private static func part(_ change: DecompositionPlan.Change) -> String {
    Format.percent(Double(change.after) / Double(max(change.before, 1)))
  }
}
