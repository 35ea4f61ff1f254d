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
    abstract: "Teach a small network by a large one, and compare before and after.",
    discussion: """
      The student is any model file, usually the teacher pruned or factorised, or a new one that is built. It learns from \
      labels and from what the teacher computes on the same images: its scores and boxes, its feature maps, the relations \
      between images. With --label-weight 0 it learns from the teacher alone and needs no labels.

      Features are compared where both networks have maps of the same stride before their heads, or at the values that \
      --layers names. Where channels differ a learned adapter comes between; like all that losses learn it is dropped from \
      the saved student. Weights of a student file that are zero stay zero.

      --control trains the same student with the same seed and budget on labels alone and shows it beside the result: \
      only the difference to it tells whether the teacher helped.

      Without a teacher the embedded detector teaches a student of half its width on embedded scenes, for \
      \(Self.embeddedEpochs) epochs.

      EXAMPLES
        compress distill --control
        compress distill --teacher big.onnx --student small.onnx --loss kd,ld --data coco/ --epochs 50
        compress distill --teacher model.onnx --student pruned.onnx --loss cwd,kd,ld --data data.yaml --epochs 20 --control
        compress distill --teacher model.onnx --student pruned.onnx --loss kd,ld --label-weight 0 --data images/ --epochs 10
        compress distill --teacher big.onnx --arch yolov8n --width 0.25 --loss fitnet=2:stage=0.3 --data voc/ --epochs 100
        compress distill --teacher a.onnx --student b.onnx --loss at --layers neck.3=conv7,neck.5=conv9 --data coco/ --epochs 9
      """)

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
    try end(result, delivery, target: target)
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
