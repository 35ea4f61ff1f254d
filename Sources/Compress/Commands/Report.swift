import ArgumentParser
import Evidence
import Foundation
import ObjectDetection
import Reports

/// `compress report`: model files side by side.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare model files: size, cost, speed and accuracy.",
    discussion: """
      Counts parameters, zeros and multiply–accumulates (FLOPs = 2 × MACs), times each model and measures its peak \
      memory in a process of its own, and with --data scores each as COCO does. The first model is the baseline. \
      The folder gets report.md, report.html (one page that works offline), report.tex (for \\input, with booktabs), \
      report.json, tables as CSV, manifest.json, and figures as SVG and PDF; the same files, data and seed give the same \
      bytes, measured columns (marked *) aside.

      mAP comes with a 95 % interval by the bootstrap over images, and each model with a paired test against the first: a \
      difference that the choice of images explains is called noise. Recall and misses are those at --confidence, or at \
      \(HeadConfiguration.displayConfidence). A warning is given when images of --train-data or --calib are scored on.

      EXAMPLES
        compress report model.onnx model-pruned.onnx --output report/
        compress report a.onnx b.onnx c.h5 --data coco/ --output report/ --threads 1
      """)

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
    var files = VerbFiles(
      models: models.map { ("the model", $0) }, others: [data.data, trainData, calib, head.file])
    try files.fill("--output", output)
    try files.check()
    let hasImages = data.data != nil || models.isEmpty
    try data.scoring.check(hasImages: hasImages)
    let comparison = try comparison(
      on: hasImages ? try data.scored(data.labelled(common), common) : nil, measures: !noTiming,
      seed: seed ?? 0)
    let loaded = try ModelArtifact.all(models, inputs: head.inputs.values())
    let names = ModelArtifact.distinctNames(loaded.map(\.path))
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
