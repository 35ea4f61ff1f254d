import Evidence
import Compression
import Formats
import Foundation
import Prune
import Reports
import Training

/// What `compress prune` prints of channels removed.
struct ChannelPruneResult: CompressionResult {
  var schemaVersion = 1
  var input: String
  /// The file written, `nil` after a dry run.
  var output: String?
  /// Channels of all layers.
  var channels: Int
  /// Those removed.
  var removedChannels: Int
  /// The fraction of the channels that is removed.
  var channelRatio: Double
  /// Whether the cut is as deep as asked for.
  var isTargetMet: Bool
  var plan: ChannelPlan
  /// What the surgery was checked by; `nil` after a dry run.
  var proof: ChannelProof?
  /// What reconstruction did; `nil` without.
  var reconstruction: [ChannelReconstruction.ReaderRefit]?
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
  init(input: String, plan: ChannelPlan, isTargetMet: Bool) {
    (self.input, self.plan, self.isTargetMet) = (input, plan, isTargetMet)
    (channels, removedChannels) = (plan.channels, plan.removedChannels)
    channelRatio = plan.channelRatio
  }

  /// What the proof says, in a sentence.
  static func proofNote(_ proof: ChannelProof) -> String {
    String(
      format:
        "Surgery proved on %d inputs: at most %.1e of an output's range from the whole network "
        + "with the removed channels silenced (bound %.0e).", proof.images, proof.largestError,
      ChannelProof.bound)
      + (proof.roundingNoise.map {
        String(
          format:
            " The model rounds to whole numbers as it runs: inputs altered in the last bit move its outputs by %.1e.",
          $0)
      } ?? "")
  }

  /// The result for people.
  var text: String {
    var parts = [heading, layers]
    if let reconstruction { parts.append(Self.table(reconstruction)) }
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
    return "\(plan.method) pruning of channels, allocation \(plan.allocation)\(trained): "
      + "\(removedChannels) of \(channels) channels are removed (\(Format.percent(channelRatio)))"
      + (isTargetMet ? "" : "; the target is not reached")
  }

  private var layers: String {
    var table = Table([
      ("layer", .left), ("channels", .right), ("removed", .right), ("left", .right),
      ("frozen", .right),
    ])
    for layer in plan.layers {
      table.append([
        String(layer.weight.suffix(44)), "\(layer.channels)", "\(layer.removed.count)",
        "\(layer.channels - layer.removed.count)", layer.frozen == 0 ? "" : "\(layer.frozen)",
      ])
    }
    return table.text
  }

  private static func table(_ layers: [ChannelReconstruction.ReaderRefit]) -> String {
    var table = Table([
      ("reconstructed layer", .left), ("error, dropped", .right), ("error, refitted", .right),
    ])
    for layer in layers {
      table.append([
        String(layer.label.suffix(44)), String(format: "%.4f", layer.errorBefore),
        String(format: "%.4f", layer.errorAfter),
      ])
    }
    return table.text
  }
}
