import Evidence
import Compression
import Formats
import Foundation
import Quantize
import Reports
import Training

/// What `compress quantize` prints.
struct QuantizeResult: CompressionResult {
  var schemaVersion = 1
  var input: String
  /// The file written, `nil` after a dry run.
  var output: String?
  var plan: QuantizationPlan
  /// How many layers with weights are quantised, and how many there are.
  var layers: Int
  var allLayers: Int
  /// How many images ranges were found with.
  var images: Int
  /// Whether no image was looked at but drawn ones.
  var isDataFree: Bool?
  /// Time taken by calibration and quantisation.
  var calibrationSeconds: Double
  /// What quantising each layer alone does, most harmful first; `nil` unless it was measured.
  var sensitivity: [PrecisionSearch.LayerDamage]?
  /// What the choice of bits tried; `nil` unless it was asked for.
  var trials: [BitWidthSearch.Trial]?
  /// The effect of adaptive rounding; `nil` unless it was asked for.
  var roundings: [AdaptiveRounding.LearnedRounding]?
  /// Epochs of quantisation-aware training; `nil` without.
  var epochs: Int?
  /// The training without labels; `nil` for none.
  var recovery: RecoveryLog?
  /// The CPUs that the model is made for; `nil` for a replayed plan.
  var target: String?
  /// The layers in which sums of products may saturate on CPUs without VNNI; `nil` after a dry run.
  var saturating: [String]?
  /// The mAP where 16-bit sums saturate; `nil` unless it was asked for.
  var saturatedAP: Double?
  var remarks: [String] = []
  var before: ModelEvidence?
  var after: ModelEvidence?
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]?
  /// What compressing did to the detector; `nil` where nothing tells.
  var damage: Damage?
  /// How far what the file computes is from what the plan predicts; `nil` where it was not run.
  var verification: Prediction.Verification?

  /// The result for people.
  var text: String {
    var parts = [heading, kept].filter { !$0.isEmpty }
    if let trials { parts.append(Self.table(trials)) }
    if let roundings, !roundings.isEmpty { parts.append(Self.text(roundings)) }
    if let sensitivity { parts.append(Self.table(sensitivity)) }
    if let before, let after {
      parts.append(ComparisonTable(models: [before, after], titles: ["before", "after"]).text)
    }
    if output != nil { parts.append(cpus) }
    parts += remarks
    if let recovery { parts.append(recovery.sentence) }
    if let output {
      parts.append(
        verification.sentence(output)
          + (verification == nil
            ? "" : " The prediction rounds floats as the plan says, and sums exactly."))
    } else {
      parts.append("Nothing was written (--dry-run).")
    }
    return parts.joined(separator: "\n\n")
  }

  /// Where the file computes what was scored.
  private var cpus: String {
    let own = after?.accuracy?["AP"]
    guard let saturating, !saturating.isEmpty else {
      return
        "No sum of products can saturate: CPUs with and without VNNI, and ARM, compute the same"
        + (own.map { " (AP \(Format.metric($0)))." } ?? ".")
    }
    var text =
      "For \((target.flatMap(QuantizationTarget.init) ?? .x86VNNI).text)"
      + (own.map { " (AP \(Format.metric($0)))" } ?? "")
      + ": in \(saturating.count) layers pairs of products may leave 16 bits, which saturates on x86 CPUs without VNNI"
    if let saturatedAP, let own {
      text +=
        "; there AP is \(Format.metric(saturatedAP)), "
        + "\(String(format: "%+.4f", saturatedAP - own)) from what it is here"
    } else {
      text += "; --simulate-saturation with --data scores that"
    }
    return text + ". --target any avoids it."
  }

  private static func table(_ damages: [PrecisionSearch.LayerDamage]) -> String {
    var table = Table([
      ("layer quantised alone", .left), ("error of head maps", .right), ("", .left),
    ])
    for layer in damages.prefix(20) {
      table.append([
        String(layer.layer.suffix(48)), String(format: "%.2e", layer.damage),
        layer.isKept ? "stays float" : "",
      ])
    }
    return table.text + (damages.count > 20 ? "\n… and \(damages.count - 20) more" : "")
  }

  private static func table(_ trials: [BitWidthSearch.Trial]) -> String {
    var table = Table([
      ("weight bits", .right), ("activation bits", .right), ("loss of AP", .right),
    ])
    for trial in trials {
      table.append([
        "\(trial.weightBits)", "\(trial.activationBits)", Format.metric(trial.loss),
      ])
    }
    return table.text
  }

  private static func text(_ roundings: [AdaptiveRounding.LearnedRounding]) -> String {
    func sum(_ part: (AdaptiveRounding.LearnedRounding) -> Double) -> Double {
      roundings.reduce(0) { $0 + part($1) } / Double(roundings.count)
    }
    return "rounding: \(roundings.count) layers; the mean error of responses falls from "
      + String(format: "%.2e to %.2e of their variance", sum(\.errorBefore), sum(\.errorAfter))
  }

  private var heading: String {
    let scheme = plan.scheme
    let weights =
      "weights of \(scheme.weightBits) bits by \(scheme.perChannel ? "channel" : "tensor")"
      + (scheme.weightGrid == .log2 ? " on a log2 grid" : "")
      + (scheme.reduceRange ? " in a reduced range" : "")
      + (scheme.avoidsSaturation ? ", scaled for 16-bit sums" : "")
    let activations =
      "activations of \(scheme.activationBits) bits"
      + (scheme.symmetricActivations ? ", symmetric" : "")
      + (scheme.powerOfTwo ? ", scales powers of two" : "")
    let looked =
      isDataFree == true
      ? "ranges found without images"
      : images == 0
        ? "ranges of the plan"
        : "ranges by \(plan.observer) over \(images) images in \(String(format: "%.1f", calibrationSeconds)) s"
    return "quantisation: \(weights), \(activations), \(looked): "
      + "\(layers) of \(allLayers) layers compute on integers"
  }

  private var kept: String {
    let groups = Dictionary(grouping: plan.kept, by: \.reason)
    return groups.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map {
      let kinds = Dictionary($0.value.map { ($0.opType, 1) }, uniquingKeysWith: +)
      let list = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(6).map {
        "\($0.value) \($0.key)"
      }
      return "kept float: \($0.value.count) \($0.value.count == 1 ? "node" : "nodes"), \($0.key) "
        + "(\(list.joined(separator: ", "))\(kinds.count > 6 ? ", …" : ""))"
    }.joined(separator: "\n")
  }
}
