import ArgumentParser
import Compression
import Distill
import Evidence
import Foundation
import GraphIR
import ObjectDetection
import Reports
import Training

/// `compress distill`: a student network learns from a teacher.
struct DistillCommand: CompressionCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "Teach a small network by a large one, and compare before and after.")

  @OptionGroup(title: "Teacher and student") var options: DistillOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write; .h5 and .hdf5 make HDF5. (default: STUDENT-distilled.onnx in the current folder)",
      valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Print the plan; train and write nothing.")
  var dryRun = false

  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions
  @OptionGroup(title: "Comparison") var floor: QualityFloor
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  /// Epochs that a student of the embedded detector learns for when nothing is said.
  static let embeddedEpochs = 12

  private var isEmbedded: Bool { options.teacher == nil }

  func validate() throws {
    try checkEnds(isEmbedded: isEmbedded)
    if training.epochs == 0 { throw ValidationError("--epochs must be at least 1, found 0.") }
    if !isEmbedded {
      if training.epochs == nil { throw ValidationError("Give the --epochs to train for.") }
      if data.data == nil && options.trainData == nil && !dryRun {
        throw ValidationError("Distillation needs images: give --data or --train-data.")
      }
    }
    if data.images?.count != nil && options.trainData != nil {
      throw ValidationError("--images counts embedded scenes; leave it out with --train-data.")
    }
  }

  func run() throws {
    let inputs = try head.inputs.values()
    let teacher = try ModelArtifact(options.teacher, inputs: inputs, isOneOfMany: true)
    try teacher.naming { try run(teacher, inputs) }
  }

  private func run(_ teacher: ModelArtifact, _ inputs: InputValues) throws {
    let target = target(teacher)
    try checkFiles(
      teacher, target: target,
      models: [("the teacher", options.teacher), ("the student", options.student)],
      others: [options.trainData],
      writes: [
        ("--output", dryRun || !options.control ? nil : controlPath(beside: target)),
        ("--cache", options.cache),
      ])
    let engine = try head.engine(common)
    let reading = try DistilledDetector(
      teacher.graph, head: head.settings(), engine: engine)
    let student = try options.student(
      of: reading, isEmbedded: isEmbedded, inputs: teacher.inputs, engine: engine)
    let method = try Distillation(
      options.configuration(training, epochs: training.epochs ?? Self.embeddedEpochs),
      teacher: reading, teacherDigest: teacher.sha256,
      student: student.reading(settings: head.settings(), engine: engine), engine: engine)
    try inputs.check([teacher.stored] + [student.file?.stored].compactMap { $0 })
    try teacher.checkWeights()
    try student.file?.checkWeights()
    let plan = try method.plan()
    for point in plan.points { common.logger.notice("\(point.text)") }
    var result = DistillResult(teacher: teacher.path, plan: plan)
    if dryRun { return try common.show(result) }
    let images = try self.images()
    guard let learning = images.learning else { throw TrainingError.noImages }
    let outcome = try method.run(plan, on: learning)
    let trained = outcome.trainer.current
    var delivery = Delivery(
      graph: try student.delivered(trained), record: DistillRecord(plan),
      title: "and its student", notes: notes(plan), seed: options.seed,
      log: TrainingLog(outcome.trainer, title: "Training the student"))
    delivery.form = student.stored
    delivery.prediction = Prediction.onNoise(trained, engine: engine)
    delivery.prediction?.claims = [.init(what: "storing the student", expected: trained)]
    if let file = student.file { delivery.companions.append(file) }
    if let control = outcome.control {
      delivery.companions.append(
        try write(
          student.stored(try student.delivered(control.current)), of: plan, teacher,
          beside: target, &result))
    }
    try delivery.send(teacher, to: target, setting(images, seed: options.seed))
    if student.file != nil { result.studentBefore = delivery.companionEvidence.first }
    if outcome.control != nil { result.control = delivery.companionEvidence.last }
    result.cacheHits = outcome.cached?.hits
    try end(
      result, delivery, target: target,
      remedies: ["more --epochs", "more images", "a student that is wider or has learnt before"])
  }

  /// The images to learn from and to score on.
  private func images() throws -> DatasetSplit {
    if data.data == nil && options.trainData == nil {
      return try DatasetSplit(
        embedded: data.images?.count ?? EmbeddedData.trainingCount, data, common)
    }
    return try DatasetSplit(
      data: data, trainData: options.trainData, isEmbedded: isEmbedded && data.data == nil,
      trains: true, seed: options.seed, needsLabels: options.labelWeight > 0 || floor.isSet,
      learnsLabels: options.labelWeight > 0 || options.control, common: common)
  }

  private func notes(_ plan: DistillationPlan) -> [String] {
    let losses = plan.losses.map(\.text).joined(separator: ", ")
    return [
      "Learnt from the teacher by \(losses); labels × \(plan.labelWeight); \(plan.epochs) epochs."
    ] + plan.points.map { "Feature point, \($0.text)." }
  }

  /// Writes the control beside the result.
  private func write(
    _ control: Graph, of plan: DistillationPlan, _ teacher: ModelArtifact, beside target: String,
    _ result: inout DistillResult
  ) throws -> ModelArtifact {
    let path = controlPath(beside: target)
    result.controlOutput = URL(filePath: path).relativePath
    return try CompressedFile(
      source: teacher, graph: control, record: DistillRecord(controlOf: plan),
      output: path
    ).write()
  }

  private func controlPath(beside target: String) -> String {
    let url = URL(filePath: target)
    return "\(url.deletingPathExtension().path)-control.\(url.pathExtension)"
  }

  private func target(_ teacher: ModelArtifact) -> String {
    if let output { return output }
    let source = options.student.map { URL(filePath: $0) }
    let ending = source?.pathExtension ?? "onnx"
    let stem =
      source?.deletingPathExtension().lastPathComponent
      ?? teacher.url.deletingPathExtension().lastPathComponent + "-student"
    return "\(stem)-distilled.\(ending)"
  }
}
