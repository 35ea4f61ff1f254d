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
  /// The mAP where 16-bit sums saturate; `nil` unless it was asked for.
  var saturatedAP: Double?
  var remarks: [String] = []
  var before: ModelEvidence?
  var after: ModelEvidence?
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]?
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
    if let saturatedAP, let own = after?.accuracy?["AP"] {
      parts.append(
        "with 16-bit sums that saturate, as on CPUs without VNNI, AP is \(Format.metric(saturatedAP)), "
          + "\(Format.metric(saturatedAP - own)) from what it is here"
          + (saturatedAP < own - 0.005 ? "; --reduce-range avoids that" : ""))
    } else if output != nil, plan.scheme.maySaturate {
      parts.append(
        "On x86 CPUs without VNNI, ONNX Runtime adds products of 8-bit weights in pairs of 16 bits that saturate, which may cost mAP: "
          + "--simulate-saturation measures it, --reduce-range avoids it.")
    }
    parts += remarks
    if let recovery { parts.append(recovery.sentence) }
    if let output {
      parts.append(verification.sentence(output))
    } else {
      parts.append("Nothing was written (--dry-run).")
    }
    return parts.joined(separator: "\n\n")
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
