import Foundation
import ObjectDetection
import Reports

/// Scores, measures and compares model files.
struct ModelComparison {
  var head: DetectionOptions
  var data: DataOptions
  var common: CommonOptions
  /// The labelled images; `nil` leaves accuracy out.
  var dataset: Dataset?
  /// Whether latency and peak memory are measured.
  var measures: Bool
  var seed: UInt64
  /// Where the images lie that the models were trained on; `nil` when that is not known.
  var trainData: String?
  /// Where the images lie that the models were calibrated with; `nil` when that is not known.
  var calib: String?
  /// The commands that made the models.
  var steps: [[String]] = []

  /// A model and what tables call it.
  struct Entry {
    var name: String
    var model: LoadedModel
  }

  /// The report on models, the first of which is the baseline.
  func report(_ title: String, _ entries: [Entry]) throws -> ComparisonReport {
    let collector = EvidenceCollector(
      head: head, data: data, common: common, dataset: dataset, measures: measures,
      samples: EvidenceCollector.reportSamples, seed: seed)
    let loaded = entries.map(\.model)
    var evidence = try entries.map { entry in
      common.logger.info("looking at \(entry.name)")
      return try collector.evidence(of: entry.model, named: entry.name)
    }
    try collector.measure(loaded, into: &evidence)
    try collector.checkUnchanged(loaded)
    let warnings = try overlaps()
    for warning in warnings { common.logger.warning("\(warning)") }
    var manifest = try collector.manifest(
      seed: seed, models: entries.map { (name: $0.name, model: $0.model) })
    manifest.steps = steps
    var report = ComparisonReport(
      title: title, models: evidence, notes: warnings + (dataset?.remarks ?? []),
      manifest: manifest)
    try report.showDisagreements(dataset)
    return report
  }

  private func overlaps() throws -> [String] {
    guard let dataset, trainData != nil || calib != nil else { return [] }
    let overlap = try ImageOverlap(dataset)
    let uses = [(trainData, "to train on"), (calib, "to calibrate with")]
    return try uses.compactMap { path, use in
      guard let path else { return nil }
      let url = URL(filePath: path)
      let images = try DataSource(
        path: path, split: Dataset.hasSplits(url) ? "train" : nil, looksAtImages: false
      ).load(nil)
      return try overlap.warning(images, use: use)
    }
  }
}
