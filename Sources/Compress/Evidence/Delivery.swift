import Foundation
import GraphIR
import ObjectDetection
import Reports

/// A compressed model on its way out, then what was found about it.
struct Delivery {
  var graph: Graph
  var record: (any ProvenanceRecord)?
  /// The end of the report's title.
  var title: String
  var notes: [String]
  var seed: UInt64
  /// The training; `nil` without.
  var log: TrainingLog?
  var sparseInitializers = false
  /// The network as its file holds it; `nil` for the form of the source.
  var form: ((Graph) -> Graph)?
  /// What the file must compute; `nil` where nothing here can run it.
  var prediction: Prediction?
  /// What comparing with that found.
  private(set) var verification: Prediction.Verification?
  var before: ModelEvidence?
  var after: ModelEvidence?
  /// Models that are shown beside the two, such as a control run.
  var companions: [LoadedModel] = []
  /// What was found about them.
  private(set) var companionEvidence: [ModelEvidence] = []

  /// A model that is not written yet.
  init(
    graph: Graph, record: (any ProvenanceRecord)?, title: String, notes: [String], seed: UInt64,
    log: TrainingLog? = nil, sparseInitializers: Bool = false
  ) {
    (self.graph, self.record, self.title, self.notes) = (graph, record, title, notes)
    (self.seed, self.log, self.sparseInitializers) = (seed, log, sparseInitializers)
  }

  /// How a delivery is scored, measured and reported.
  struct Setting {
    var head: DetectionOptions
    var data: DataOptions
    var comparison: ComparisonOptions
    var common: CommonOptions
    /// The images to score on; `nil` for none.
    var scoring: Dataset?
    /// The images that were trained on; `nil` for none.
    var learning: Dataset?
    /// Where the images lie that the model was looked at with; `nil` for none or where that was checked.
    var calibration: String?

    /// Warnings that images are both learnt from and scored on.
    func overlaps() throws -> [String] {
      guard let scoring, learning != nil || calibration != nil else { return [] }
      let overlap = try ImageOverlap(scoring)
      let calibrating = try calibration.map {
        try DataSource(path: $0, looksAtImages: false).load(nil)
      }
      return try [
        learning.flatMap { try overlap.warning($0, use: "to train on") },
        calibrating.flatMap { try overlap.warning($0, use: "to calibrate with") },
      ].compactMap { $0 }
    }
  }

  /// Scores the model, writes the compressed one, scores what was written, and fills the report.
  mutating func send(_ source: LoadedModel, to target: String, _ setting: Setting) throws {
    let collector = EvidenceCollector(
      head: setting.head, data: setting.data, common: setting.common, dataset: setting.scoring,
      measures: setting.comparison.report != nil && !setting.comparison.noTiming,
      samples: setting.comparison.report == nil ? 0 : EvidenceCollector.reportSamples, seed: seed)
    let warnings = try setting.overlaps()
    for warning in warnings { setting.common.logger.warning("\(warning)") }
    let names = LoadedModel.distinctNames([source.path, target] + companions.map(\.path))
    let first = try collector.evidence(of: source, named: names[0])
    verification = try prediction?.check(graph)
    let written = try CompressedFile(
      source: source, graph: (form ?? { source.storable($0) })(graph), record: record,
      output: target,
      sparseInitializers: sparseInitializers
    ).write()
    let models = [source, written] + companions
    var evidence = [first]
    for (model, name) in zip(models, names).dropFirst() {
      evidence.append(try collector.evidence(of: model, named: name))
    }
    try collector.measure(models, into: &evidence)
    if let folder = setting.comparison.report {
      try collector.checkUnchanged(models)
      var report = ComparisonReport(
        title: "\(names[0]) \(title)", models: evidence,
        notes: notes + warnings + (setting.scoring?.remarks ?? []),
        manifest: try collector.manifest(
          seed: seed, models: Array(zip(names, models))))
      try report.showDisagreements(setting.scoring)
      try ReportFolder(path: folder).write(report, log: setting.common.logger)
      try log?.write(to: folder)
    }
    (before, after, companionEvidence) = (evidence[0], evidence[1], Array(evidence.dropFirst(2)))
  }
}

extension QualityFloor {
  /// What a delivery misses, a sentence each.
  func misses(_ delivery: Delivery) -> [String] {
    misses(
      before: delivery.before?.accuracy?["AP"] ?? 0, after: delivery.after?.accuracy?["AP"] ?? 0)
  }

  /// Ends with status 3 when a floor was missed.
  func end(_ misses: [String], _ target: String) throws {
    guard !misses.isEmpty else { return }
    for miss in misses { Console.error("\(miss); \(target) is written all the same") }
    throw QualityFloorMissed()
  }
}
