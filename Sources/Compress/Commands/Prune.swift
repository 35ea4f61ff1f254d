import ArgumentParser
import Formats
import Foundation
import Operators
import Prune
import Reports

/// `compress prune`: sets the least important weights to zero.
struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Set the least important weights to zero and compare before and after.",
    discussion: """
      Ranks the weights of convolutions and matrix products, sets the least important to zero, writes the model, reads \
      the file back and checks it. First layers (they see the image) and detection outputs are kept whole unless \
      --include-ends is given. Sparsity is the fraction of the prunable weights that are zero.

      Zeros shrink what gzip, HDF5 files (--output FILE.h5) and --sparse-initializers store. They bring no speed in \
      runtimes that compute densely, such as ONNX Runtime and this tool.

      With --data, the model is scored before and after; what is scored is the written file. With --report, a folder is \
      filled with report.md, report.json, report.csv, layers.csv, classes.csv and manifest.json.

      EXAMPLES
        compress prune model.onnx --sparsity 0.75
        compress prune model.onnx --data coco/ --report report/ --max-drop 0.02
        compress prune model.onnx --pattern 2:4 --exclude '*head*' --output slim.onnx
        compress prune model.onnx --sparsity 0.9 --dry-run --plan-out plan.json
        compress prune model.onnx --plan plan.json --output model.h5
      """)

  @Argument(help: "The model file, ONNX or HDF5.", completion: .file())
  var model: String

  @OptionGroup(title: "Choosing") var pruning: PruningOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write; .h5 and .hdf5 make HDF5. (default: MODEL-pruned.onnx in the current folder)",
      valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Print the plan; write no model.")
  var dryRun = false

  @Flag(help: "Store weights with many zeros as ONNX sparse initializers where that is smaller.")
  var sparseInitializers = false

  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    if floor.isSet && data.data == nil {
      throw ValidationError("--max-drop and --min-map need labelled images: give --data.")
    }
    if dryRun && (output != nil || comparison.report != nil) {
      throw ValidationError(
        "--dry-run writes no model and no report; leave out --output and --report.")
    }
  }

  func run() throws {
    let source = try LoadedModel(model)
    let plan = try makePlan(source)
    announce(plan)
    if let file = pruning.planOut {
      try AtomicOutput.write(PlanFile.encode(plan), to: file)
      common.logger.notice("plan saved to \(file)")
    }
    if dryRun {
      return try show(PruneResult(input: model, plan: plan))
    }
    let target = output ?? defaultOutput(source)
    guard URL(filePath: target).standardizedFileURL != source.url.standardizedFileURL else {
      throw CommandError(.usage, "\(target) is the model itself; give another --output")
    }
    let collector = try EvidenceCollector(
      head: head, data: data, common: common,
      measures: comparison.report != nil && !comparison.noTiming)
    let names = LoadedModel.distinctNames([model, target])
    let before = try collector.evidence(of: source, named: names[0])
    let written = try PrunedFile(
      source: source, plan: plan, output: target, sparseInitializers: sparseInitializers
    ).write()
    var evidence = [before, try collector.evidence(of: written, named: names[1])]
    try collector.measure([source, written], into: &evidence)
    if let folder = comparison.report {
      try ReportFolder(path: folder).write(
        ComparisonReport(
          title: "\(names[0]) pruned to \(Format.percent(plan.sparsity)) sparsity",
          models: evidence, notes: [PruneResult.speedNote],
          manifest: try collector.manifest(
            seed: plan.seed, models: Array(zip(names, [source, written])))),
        log: common.logger)
    }
    var result = PruneResult(input: model, plan: plan)
    (result.output, result.before, result.after) = (target, evidence[0], evidence[1])
    try finish(&result)
  }

  /// Prints the result and ends with status 3 when a floor was missed.
  private func finish(_ result: inout PruneResult) throws {
    let misses = floor.misses(
      before: result.before?.accuracy?["AP"] ?? 0, after: result.after?.accuracy?["AP"] ?? 0)
    result.floorMisses = misses
    try show(result)
    guard floor.isSet, !misses.isEmpty else { return }
    for miss in misses {
      Console.error("\(miss); \(result.output ?? "the model") is written all the same")
    }
    throw QualityFloorMissed()
  }

  private func makePlan(_ source: LoadedModel) throws -> PruningPlan {
    if let file = pruning.plan { return try PlanFile.load(file) }
    do {
      return try pruning.request().plan(for: source.graph, registry: .standard)
    } catch let error as PruningError {
      guard let status = ErrorStatus.of(error) else { throw error }
      throw CommandError(status, "\(model): \(error)")
    }
  }

  /// Says which layers are kept, and why.
  private func announce(_ plan: PruningPlan) {
    var kept: [PrunableWeights.KeepReason: [String]] = [:]
    for layer in plan.layers {
      if let reason = layer.keptBecause { kept[reason, default: []].append(layer.weight) }
    }
    for (reason, names) in kept.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let listed = names.prefix(4).map { "'\($0)'" }.joined(separator: ", ")
      let more = names.count > 4 ? " and \(names.count - 4) more" : ""
      common.logger.notice("kept whole (\(reason.rawValue)): \(listed)\(more)")
    }
    if kept[.notFloat] != nil {
      common.logger.warning(
        "quantised weights cannot be pruned; prune the float model before it is quantised")
    }
  }

  private func defaultOutput(_ source: LoadedModel) -> String {
    let ending = source.isHDF5 ? source.url.pathExtension : "onnx"
    return source.url.deletingPathExtension().lastPathComponent + "-pruned." + ending
  }

  private func show(_ result: PruneResult) throws {
    switch common.format {
    case .json: try Console.json(result)
    case .text: Console.result(result.text)
    }
  }
}
