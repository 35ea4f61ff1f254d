import ArgumentParser
import Compression
import Evidence
import Foundation
import LowRank
import ObjectDetection
import Reports
import Training

/// `compress lowrank`: replaces layers by chains of thinner ones.
struct LowRankCommand: CompressionCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank",
    abstract: "Replace layers by chains of thinner ones, and compare before and after.")

  @Argument(
    help: "The model file, ONNX or HDF5. (default: the embedded detector)", completion: .file())
  var model: String?

  @OptionGroup(title: "Choosing") var options: LowRankOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write; .h5 and .hdf5 make HDF5. (default: MODEL-lowrank.onnx in the current folder)",
      valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Print the plan; write no model.")
  var dryRun = false

  @OptionGroup(title: "Training") var tuning: TuningOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Recovery") var recovery: RecoveryOptions
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  /// Epochs that the embedded detector is trained on when nothing is said.
  static let embeddedEpochs = 4

  func validate() throws {
    try checkEnds(isEmbedded: model == nil)
    try recovery.check(
      epochs: training.epochs, training: training, isDry: dryRun,
      hasImages: model == nil || data.data != nil || tuning.trainData != nil
        || options.calib != nil)
    if epochs > 0 && model != nil && data.data == nil && tuning.trainData == nil {
      throw ValidationError("Training needs images: give --data or --train-data.")
    }
    if options.fromScratch && epochs == 0 {
      throw ValidationError("--from-scratch draws weights anew: give --epochs to train them.")
    }
    if options.measure == .map && data.data == nil && model != nil {
      throw ValidationError("--measure mAP needs labelled images: give --data.")
    }
  }

  private var epochs: Int {
    training.epochs
      ?? (model == nil && options.plan == nil && !recovery.isSet ? Self.embeddedEpochs : 0)
  }

  func run() throws {
    let source = try ModelArtifact(model, inputs: head.inputs.values())
    try source.naming(plan: options.plan) { try run(source) }
  }

  private func run(_ source: ModelArtifact) throws {
    let target = target(source, "lowrank")
    try checkFiles(
      source, target: target, models: [("the model", model)],
      others: [options.plan, options.calib, tuning.trainData, recovery.path],
      writes: [("--plan-out", options.planOut), ("--sensitivity", options.sensitivity)])
    try source.checkWeights(
      excluding: options.exclude.map { NamePattern($0) },
      hint: ", or leave its layer out with --exclude")
    let known = try options.plan.map { try PlanFile.decode(DecompositionPlan.self, from: $0) }
    var images = try DatasetSplit(
      data: data, trainData: tuning.trainData, isEmbedded: source.isEmbedded,
      trains: epochs > 0 || source.isEmbedded || tuning.trainData != nil
        || recovery.learns(besides: options.calib), seed: options.seed ?? 0,
      learnsLabels: epochs > 0 && tuning.loss == .labels, common: common)
    let engine = try head.engine(common)
    let method = LowRankFactorization(
      try options.configuration(
        training: tuning.settings(training, epochs: epochs, seed: options.seed ?? 0)),
      head: try head.settings(), engine: engine)
    if dryRun {
      let (plan, isMet) = try method.plan(
        for: source.graph, replaying: known,
        images: try calibration(images).images(for: source.graph, head: head, engine: engine),
        scoring: images.scoring)
      try save(plan, to: options.planOut)
      return try common.show(
        LowRankResult(input: source.path, plan: plan, isTargetMet: isMet))
    }
    let calibration = try calibration(images)
    let outcome = try method.run(
      on: source.graph, replaying: known,
      images: calibration.images(for: source.graph, head: head, engine: engine),
      learning: images.learning, scoring: images.scoring)
    try save(outcome.plan, to: options.planOut)
    var (graph, prediction) = (outcome.graph, Optional(outcome.prediction))
    var log: RecoveryLog?
    if recovery.isSet {
      images.learning = try recovery.images(calibration.named, images.learning, data, common)
      log = try Recovery(
        recovery.configuration(training, tuning, seed: options.seed ?? 0),
        head: try head.settings(), engine: engine
      ).replace(
        &graph, in: &prediction, towards: source.graph, images: images.learning, engine: engine)
    }
    var remarks = outcome.remarks
    if outcome.ranOnNoise {
      remarks.append(
        "no images were given: responses are not refitted and the proof ran on noise; give --calib")
    }
    for remark in remarks { common.logger.notice("\(remark)") }
    var delivery = Delivery(
      graph: graph,
      record: LowRankRecord(outcome.plan, proof: outcome.proof, source: source),
      title: "with \(outcome.plan.layers.count) layers factorised",
      notes: [LowRankResult.proofNote(outcome.proof)] + [log?.sentence].compactMap { $0 },
      seed: outcome.plan.seed,
      log: outcome.trainer.map { TrainingLog($0, title: "Training after factorisation") })
    delivery.prediction = prediction
    try delivery.send(
      source, to: target,
      setting(
        images, seed: outcome.plan.seed, calibration: calibration.named,
        seen: calibration.dataset))
    if let folder = comparison.report { try LowRankReport(outcome).write(to: folder) }
    var result = LowRankResult(
      input: source.path, plan: outcome.plan, isTargetMet: outcome.isTargetMet)
    (result.proof, result.remarks, result.recovery) = (outcome.proof, remarks, log)
    result.corrections = outcome.corrections.isEmpty ? nil : outcome.corrections
    result.epochs = outcome.trainer.map { _ in epochs }
    try end(result, delivery, target: target, remedies: remedies)
  }

  /// What may help against damage.
  private var remedies: [String] {
    var remedies: [String] = []
    if options.calib == nil && data.data == nil && tuning.trainData == nil {
      remedies.append("images to refit responses on (--calib)")
    }
    remedies.append(
      recovery.isSet
        ? "a longer --recover-minutes or more images for it"
        : "--recover (training without labels), --epochs (with labels)")
    return remedies + ["higher ranks (--rank, --target-macs)"]
  }

  private func calibration(_ images: DatasetSplit) throws -> CalibrationChoice {
    try CalibrationChoice(
      path: options.calib, otherwise: images.learning, count: options.calibCount ?? 64,
      common: common)
  }
}
