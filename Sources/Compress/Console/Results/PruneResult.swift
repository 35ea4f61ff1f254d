import Evidence
import Compression
import Foundation
import Prune
import Reports
import Training

/// What `compress prune` prints of weights set to zero.
struct PruneResult: CompressionResult {
  var schemaVersion = 1
  var input: String
  /// The file written, `nil` after a dry run.
  var output: String?
  /// The fraction of the prunable weights that are zero.
  var sparsity: Double
  /// The weights that may be pruned.
  var prunable: Int
  /// Those that are zero.
  var zeros: Int
  var plan: PruningPlan
  /// What refitting did to each layer; `nil` without.
  var reconstruction: [SecondOrderPruning.SparseRefit]?
  /// The relative squared error of the raw outputs, see `WeightPruning.distance`; `nil` after
  /// refitting or training.
  var distance: Double?
  /// The sizes of the result in every form; `nil` after a dry run.
  var storage: WeightStorage?
  /// Epochs of training; `nil` for none.
  var epochs: Int?
  /// The training without labels; `nil` for none.
  var recovery: RecoveryLog?
  var before: ModelEvidence?
  var after: ModelEvidence?
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]?
  /// What compressing did to the detector; `nil` where nothing tells.
  var damage: Damage?
  /// How far what the file computes is from what the plan predicts; `nil` where it was not run.
  var verification: Prediction.Verification?

  /// The result of a plan that has not been applied.
  init(input: String, plan: PruningPlan) {
    self.input = input
    self.plan = plan
    (sparsity, prunable, zeros) = (plan.sparsity, plan.prunable, plan.zeros)
  }

  /// What zeros are good for.
  static let speedNote =
    "Zeros make compressed files smaller; runtimes that compute densely, such as ONNX Runtime, "
    + "gain no speed from them."

  /// The result for people.
  var text: String {
    var parts = [heading, layers]
    if let before, let after { parts.append(comparison(before, after)) }
    if let recovery { parts.append(recovery.sentence) }
    if let output {
      if let storage { parts.append(sizes(storage)) }
      parts.append(Self.speedNote + "\n" + verification.sentence(output))
    } else {
      parts.append("Nothing was written (--dry-run).")
    }
    return parts.joined(separator: "\n\n")
  }

  private func sizes(_ storage: WeightStorage) -> String {
    "Size: \(Format.megabytes(storage.plain)) as ONNX, \(Format.megabytes(storage.gzip)) of that "
      + "after gzip, \(Format.megabytes(storage.hdf5)) as HDF5 (.h5), "
      + "\(Format.megabytes(storage.sparseInitializers)) as ONNX with --sparse-initializers "
      + "(read by ONNX Runtime; OpenVINO 2024.6 refuses it)."
  }

  private var heading: String {
    let pattern = plan.pattern == .unstructured ? "" : ", pattern \(plan.pattern)"
    let scope = plan.scope == "pattern" ? "" : ", scope \(plan.scope)"
    let schedule = plan.schedule.map { ", schedule \($0)" } ?? ""
    let trained = epochs.map { "\(schedule), \($0) epochs of training" } ?? ""
    return "\(plan.method) pruning\(scope)\(pattern)\(trained): "
      + "\(zeros) of \(prunable) prunable weights are zero "
      + "(sparsity \(String(format: "%.4f", sparsity)))"
  }

  private var layers: String {
    var table = Table([
      ("weight", .left), ("shape", .left), ("weights", .right), ("zeros", .right),
      ("sparsity", .right), ("", .left),
    ])
    for layer in plan.layers {
      table.append([
        String(layer.weight.suffix(44)), layer.shape.map(String.init).joined(separator: "×"),
        "\(layer.count)", "\(layer.zerosAfter)", Format.percent(layer.sparsity),
        layer.keptBecause.map { "kept: \($0.rawValue)" } ?? "",
      ])
    }
    return table.text
  }

  private func comparison(_ before: ModelEvidence, _ after: ModelEvidence) -> String {
    ComparisonTable(models: [before, after], titles: ["before", "after"]).text
  }
}
