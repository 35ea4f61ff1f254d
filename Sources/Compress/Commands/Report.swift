import ArgumentParser
import Evidence
import Foundation
import ObjectDetection
import Reports

/// `compress report`: model files side by side.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare model files: size, cost, speed and accuracy.")

  @Argument(
    help: "The model files; the first is the baseline. (default: the embedded detector)",
    completion: .file())
  var models: [String] = []

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder to fill.", valueName: "folder"),
    completion: .directory)
  var output = "report"

  @Option(help: "The heading of the report.")
  var title = "Comparison of detectors"

  @Flag(help: "Leave out latency and peak memory.")
  var noTiming = false

  @Option(help: "The seed of the samples of images. (default: 0)")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Images the models were trained on, to warn of those that are scored.", valueName: "path"))
  var trainData: String?

  @Option(
    help: ArgumentHelp(
      "Images the models were calibrated with, to warn of those that are scored.",
      valueName: "path"))
  var calib: String?

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    let named = try NamedModel.all(models)
    var files = VerbFiles(
      models: named.map { ("the model", $0.path) },
      others: [data.data, trainData, calib, head.file])
    try files.fill("--output", output)
    try files.check()
    let hasImages = data.data != nil || models.isEmpty
    try data.scoring.check(hasImages: hasImages)
    let comparison = try comparison(
      on: hasImages ? try data.scored(data.labelled(common), common) : nil, measures: !noTiming,
      seed: seed ?? 0)
    let loaded = try ModelArtifact.all(named.map(\.path), inputs: head.inputs.values())
    let names = zip(ModelArtifact.distinctNames(loaded.map(\.path)), loaded.indices).map {
      named.indices.contains($1) ? named[$1].name ?? $0 : $0
    }
    let report = try comparison.report(
      title, Array(zip(names, loaded)).map { .init(name: $0, model: $1) })
    try ReportFolder(path: output).write(report, progress: ConsoleProgress(common))
    switch common.format {
    case .json: try Console.json(report)
    case .text: Console.result(ComparisonTable(models: report.models, titles: names).text)
    }
  }

  /// A comparison under the options.
  ///
  /// Images that were trained on or calibrated with are read only to warn of those that are scored.
  func comparison(on dataset: Dataset?, measures: Bool, seed: UInt64) throws -> ModelComparison {
    func images(_ path: String?) throws -> Dataset? {
      guard dataset != nil, let path else { return nil }
      let split = Dataset.hasSplits(URL(filePath: path)) ? "train" : nil
      return try DataSource(path: path, split: split, looksAtImages: false).load(nil)
    }
    var comparison = ModelComparison(
      try EvidenceCollector(
        head: head, data: data, common: common, dataset: dataset, measures: measures,
        samples: EvidenceCollector.reportSamples, seed: seed))
    (comparison.learning, comparison.calibration) = (try images(trainData), try images(calib))
    return comparison
  }
}
