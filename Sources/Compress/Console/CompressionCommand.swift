import ArgumentParser
import Compression
import Evidence
import Formats
import Foundation
import ObjectDetection
import Reports

/// A verb that makes a smaller model of one and compares the two: what all of them end with.
protocol CompressionCommand: ParsableCommand {
  var output: String? { get }
  var dryRun: Bool { get }
  var comparison: ComparisonOptions { get }
  var floor: QualityFloor { get }
  var data: DataOptions { get }
  var head: DetectionOptions { get }
  var common: CommonOptions { get }
}

/// What such a verb prints.
protocol CompressionResult: PrintableResult {
  /// The file written, `nil` after a dry run.
  var output: String? { get set }
  var before: ModelEvidence? { get set }
  var after: ModelEvidence? { get set }
  /// How far what the file computes is from what the plan predicts; `nil` where it was not run.
  var verification: Prediction.Verification? { get set }
  /// The floors that were missed; `nil` after a dry run.
  var floorMisses: [String]? { get set }
  /// What compressing did to the detector; `nil` where nothing tells.
  var damage: Damage? { get set }
}

extension CompressionCommand {
  /// Refuses a floor without images to hold it on, and files of a dry run.
  func checkEnds(isEmbedded: Bool) throws {
    if floor.isSet && data.data == nil && !isEmbedded {
      throw ValidationError("--max-drop and --min-map need labelled images: give --data.")
    }
    if dryRun && (output != nil || comparison.report != nil) {
      throw ValidationError(
        "--dry-run writes no model and no report; leave out --output and --report.")
    }
  }

  /// Where the model goes when nothing is said: beside nothing, under the source's name.
  func target(_ source: ModelArtifact, _ suffix: String) -> String {
    if let output { return output }
    let ending = ModelFormat.ending(like: source.url)
    return "\(source.url.deletingPathExtension().lastPathComponent)-\(suffix).\(ending)"
  }

  /// Checks before any work that all files can be written and that none is replaced that is read.
  ///
  /// - Parameters:
  ///   - models: The model files by role; `nil` for the embedded detector.
  ///   - others: Further paths that are read.
  ///   - writes: Further files that are written, by option.
  func checkFiles(
    _ source: ModelArtifact, target: String, models: [(role: String, path: String?)],
    others: [String?], writes: [(option: String, path: String?)]
  ) throws {
    if let output { try VerbFiles.checkEnding(of: output) }
    var files = VerbFiles(models: models, others: others + [data.data, head.file])
    if !dryRun {
      files.write("--output", target)
      files.write("--output", source.externalFile(of: target))
    }
    for (option, path) in writes { files.write(option, path) }
    try files.fill("--report", comparison.report)
    try files.check()
  }

  /// How the model is scored, measured and reported.
  ///
  /// - Parameters:
  ///   - calibration: The images that the model was looked at with; `nil` for none.
  ///   - seen: The images to compare findings on where nothing is scored; `nil` for those that
  ///     were trained on.
  func setting(
    _ images: DatasetSplit, seed: UInt64, calibration: Dataset? = nil, seen: Dataset? = nil
  ) throws -> Delivery.Setting {
    var setting = Delivery.Setting(
      try EvidenceCollector(
        head: head, data: data, common: common, dataset: images.scoring,
        measures: comparison.report != nil && !comparison.noTiming,
        samples: comparison.report == nil ? 0 : EvidenceCollector.reportSamples, seed: seed),
      report: comparison.report, learning: images.learning, calibration: calibration)
    setting.seen = images.scoring == nil ? seen ?? images.learning : nil
    return setting
  }

  /// Prints what came out, says what to do where much was lost, and ends with status 3 when a
  /// floor was missed.
  ///
  /// - Parameters:
  ///   - distance: How far the raw outputs are, for networks whose findings cannot be compared.
  ///   - remedies: What may help against damage, the best first.
  func end<Result: CompressionResult>(
    _ result: Result, _ delivery: Delivery, target: String, floor: QualityFloor? = nil,
    distance: Double? = nil, remedies: [String]
  ) throws {
    var result = result
    result.damage = delivery.damage ?? distance.map { Damage(outputs: $0) }
    (result.output, result.before, result.after) = (target, delivery.before, delivery.after)
    result.verification = delivery.verification
    let misses = (floor ?? self.floor).misses(
      before: delivery.before?.accuracy?["AP"] ?? 0, after: delivery.after?.accuracy?["AP"] ?? 0)
    result.floorMisses = misses
    try common.show(result)
    if let damage = result.damage, damage.isGrave {
      common.logger.warning("\(damage.sentence); what helps: \(remedies.joined(separator: ", "))")
    }
    guard !misses.isEmpty else { return }
    for miss in misses { Console.error("\(miss); \(target) is written all the same") }
    throw QualityFloorMissed()
  }

  /// Saves a plan where that is asked for.
  func save(_ plan: some Encodable, to file: String?) throws {
    guard let file else { return }
    try AtomicFile.write(PlanFile.encode(plan), to: file)
    common.logger.notice("plan saved to \(file)")
  }
}

extension EvidenceCollector {
  /// A collector under the options of a verb.
  init(
    head: DetectionOptions, data: DataOptions, common: CommonOptions, dataset: Dataset?,
    measures: Bool, samples: Int = 0, seed: UInt64 = 0
  ) throws {
    var configuration = Configuration()
    configuration.settings = try head.settings()
    (configuration.dataset, configuration.dataPath) = (dataset, data.data)
    configuration.skipsBad = data.skipBad
    configuration.timer = measures ? ProcessTimer(inputs: head.inputs) : nil
    (configuration.samples, configuration.seed) = (samples, seed)
    configuration.confidence = head.confidence.map(Double.init)
    configuration.command = ["compress"] + CommandLine.arguments.dropFirst()
    self.init(configuration, engine: try head.engine(common))
  }
}

extension ModelArtifact {
  /// Checks that no weight is NaN or infinite; says how else a layer can be left out.
  func checkWeights(excluding excluded: [NamePattern], hint: String) throws {
    do {
      try checkWeights(excluding: excluded)
    } catch let error as ModelError {
      throw CommandError(.badData, "\(error)\(hint)")
    }
  }
}
