import ArgumentParser
import Foundation
import Reports

/// `compress report`: model files side by side.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare model files: size, cost, speed and accuracy.",
    discussion: """
      Counts parameters, zeros and multiply–accumulates (FLOPs = 2 × MACs), times each model and measures its peak \
      memory in a process of its own, and with --data scores each as COCO does. The first model is the baseline. \
      The folder gets report.md, report.json, report.csv, layers.csv, classes.csv and manifest.json; the same files, \
      data and seed give the same bytes, measured columns (marked *) aside.

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

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    let hasImages = data.data != nil || models.isEmpty
    let collector = EvidenceCollector(
      head: head, data: data, common: common,
      dataset: hasImages ? try data.labelled(common) : nil, measures: !noTiming)
    let loaded = try models.isEmpty ? [LoadedModel(nil)] : models.map { try LoadedModel($0) }
    let names = LoadedModel.distinctNames(loaded.map(\.path))
    var evidence = try zip(loaded, names).map { model, name in
      common.logger.info("looking at \(name)")
      return try collector.evidence(of: model, named: name)
    }
    try collector.measure(loaded, into: &evidence)
    let report = ComparisonReport(
      title: title, models: evidence,
      manifest: try collector.manifest(seed: 0, models: Array(zip(names, loaded))))
    try ReportFolder(path: output).write(report, log: common.logger)
    switch common.format {
    case .json: try Console.json(report)
    case .text: Console.result(ComparisonTable(models: evidence, titles: names).text)
    }
  }
}
