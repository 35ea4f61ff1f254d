import Execution
import Foundation
import ObjectDetection
import Reports

/// Scores, measures and compares model files.
public struct ModelComparison {
  /// The collector of evidence.
  public var collector: EvidenceCollector
  /// The images that the models were trained on; `nil` when they are not known.
  public var learning: Dataset?
  /// The images that the models were calibrated with; `nil` when they are not known.
  public var calibration: Dataset?
  /// The commands that made the models.
  public var steps: [[String]] = []

  /// A comparison by a collector.
  public init(_ collector: EvidenceCollector) { self.collector = collector }

  /// A model and its name in tables.
  public struct Entry {
    /// Its name in tables.
    public var name: String
    /// The model.
    public var model: ModelArtifact

    /// A model under a name.
    public init(name: String, model: ModelArtifact) { (self.name, self.model) = (name, model) }
  }

  /// The report on models, the first of which is the baseline.
  ///
  /// - Throws: ``EvidenceError``, what reading and running throw.
  public func report(_ title: String, _ entries: [Entry]) throws -> ComparisonReport {
    let (progress, dataset) = (collector.engine.progress, collector.configuration.dataset)
    let loaded = entries.map(\.model)
    var evidence = try progress.job("comparing", total: entries.count, unit: "models") { done in
      try entries.enumerated().map { index, entry in
        progress.info("looking at \(entry.name)")
        defer { done(index + 1) }
        return try collector.evidence(of: entry.model, named: entry.name)
      }
    }
    try collector.measure(loaded, into: &evidence)
    try collector.checkUnchanged(loaded)
    let warnings = try Delivery.Setting(
      collector, learning: learning, calibration: calibration
    ).overlaps()
    for warning in warnings { progress.warning(warning) }
    var manifest = try collector.manifest(
      models: entries.map { (name: $0.name, model: $0.model) })
    manifest.steps = steps
    var report = ComparisonReport(
      title: title, models: evidence, notes: warnings + (dataset?.remarks ?? []),
      manifest: manifest)
    try report.showDisagreements(dataset)
    return report
  }
}
