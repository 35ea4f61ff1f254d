import Compression
import Foundation
import GraphIR
import ObjectDetection
import Reports

/// The delivery of a compressed model: it is written, verified, scored and reported.
public struct Delivery {
  /// The network.
  public var graph: Graph
  /// The record for its metadata.
  public var record: (any ProvenanceRecord)?
  /// The end of the report's title.
  public var title: String
  /// The notes of a report, below its tables.
  public var notes: [String]
  /// The seed of all random numbers.
  public var seed: UInt64
  /// The training; `nil` without.
  public var log: TrainingLog?
  /// Whether sparse tensors are stored in sparse form.
  public var sparseInitializers = false
  /// The network in the form for its file; `nil` for the form of the source.
  public var form: ((Graph) -> Graph)?
  /// What the file must compute; `nil` where the engine cannot run it.
  public var prediction: Prediction?
  /// The result of the comparison with the prediction.
  public private(set) var verification: Prediction.Verification?
  /// The evidence of the original model.
  public private(set) var before: ModelEvidence?
  /// The evidence of the compressed model.
  public private(set) var after: ModelEvidence?
  /// What compressing did to the detector; `nil` where nothing tells.
  public private(set) var damage: Damage?
  /// Models that are shown beside the two, such as a control run.
  public var companions: [ModelArtifact] = []
  /// The evidence of these models.
  public private(set) var companionEvidence: [ModelEvidence] = []

  /// A model that is not written yet.
  public init(
    graph: Graph, record: (any ProvenanceRecord)?, title: String, notes: [String], seed: UInt64,
    log: TrainingLog? = nil, sparseInitializers: Bool = false
  ) {
    (self.graph, self.record, self.title, self.notes) = (graph, record, title, notes)
    (self.seed, self.log, self.sparseInitializers) = (seed, log, sparseInitializers)
  }

  /// How a delivery is scored, measured and reported.
  public struct Setting {
    /// The collector of evidence.
    public var collector: EvidenceCollector
    /// The folder of the report; `nil` for none.
    public var report: String?
    /// The images that were trained on; `nil` for none.
    public var learning: Dataset?
    /// The calibration images; `nil` for none, or where the overlap was checked already.
    public var calibration: Dataset?
    /// The images that findings are compared on where nothing is scored; `nil` for none.
    public var seen: Dataset?

    /// A setting without a report.
    public init(
      _ collector: EvidenceCollector, report: String? = nil, learning: Dataset? = nil,
      calibration: Dataset? = nil
    ) {
      (self.collector, self.report) = (collector, report)
      (self.learning, self.calibration) = (learning, calibration)
    }

    /// Warnings of images that are both trained on and scored.
    func overlaps() throws -> [String] {
      guard let scoring = collector.configuration.dataset, learning != nil || calibration != nil
      else { return [] }
      let overlap = try ImageOverlap(scoring)
      return try [
        learning.flatMap { try overlap.warning($0, use: "to train on") },
        calibration.flatMap { try overlap.warning($0, use: "to calibrate with") },
      ].compactMap { $0 }
    }
  }

  /// Scores the model, writes the compressed one, scores the written file, and fills the report.
  ///
  /// - Throws: `CompressionError` when the network does not compute what was predicted,
  ///   ``EvidenceError``, what reading, writing and running throw.
  public mutating func send(
    _ source: ModelArtifact, to target: String, _ setting: Setting
  ) throws {
    let collector = setting.collector
    let scoring = collector.configuration.dataset
    let warnings = try setting.overlaps()
    for warning in warnings { collector.engine.progress.warning(warning) }
    let names = ModelArtifact.distinctNames([source.path, target] + companions.map(\.path))
    let first = try collector.evidence(of: source, named: names[0])
    verification = try prediction?.check(graph)
    var stored = (form ?? { source.storable($0) })(graph)
    try collector.preparation(of: source)?.note(in: &stored)
    let written = try CompressedFile(
      source: source, graph: stored, record: record, output: target,
      sparseInitializers: sparseInitializers
    ).write()
    let models = [source, written] + companions
    var evidence = [first]
    for (model, name) in zip(models, names).dropFirst() {
      evidence.append(try collector.evidence(of: model, named: name))
    }
    try collector.measure(models, into: &evidence)
    if let folder = setting.report {
      try collector.checkUnchanged(models)
      var report = ComparisonReport(
        title: "\(names[0]) \(title)", models: evidence,
        notes: notes + warnings + (scoring?.remarks ?? []),
        manifest: try collector.manifest(models: Array(zip(names, models))))
      try report.showDisagreements(scoring)
      try ReportFolder(path: folder).write(report, progress: collector.engine.progress)
      try log?.write(to: folder)
    }
    damage =
      try Damage(from: evidence[0], to: evidence[1])
      ?? setting.seen.flatMap { try collector.damage(from: source, to: written, on: $0) }
    (before, after, companionEvidence) = (evidence[0], evidence[1], Array(evidence.dropFirst(2)))
  }
}
