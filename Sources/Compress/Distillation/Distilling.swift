import Distill
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import Training

/// Teaches a student: chooses losses and feature points, trains, and trains a control.
struct Distilling {
  var options: DistillOptions
  var head: DetectionOptions
  var settings: DetectorTraining.Settings
  /// The images to train on.
  var learning: Dataset?
  var common: CommonOptions
  let teacherModel: LoadedModel
  let teacher: DetectorReading
  let student: StudentModel
  let pupil: DetectorReading
  let choices: [DistillationChoice]
  let heads: HeadPair?
  private let headReason: String

  /// A trained student.
  struct Outcome {
    var trainer: Trainer
    /// The same student trained on labels alone.
    var control: Trainer?
    var cached: (hits: Int, entries: Int)?
  }

  /// Reads both networks and finds what they have in common.
  ///
  /// - Throws: ``DistillationError`` when they take different images, `HeadError`, what files throw.
  init(
    options: DistillOptions, head: DetectionOptions, settings: DetectorTraining.Settings,
    teacher model: LoadedModel, common: CommonOptions
  ) throws {
    (self.options, self.head, self.settings, self.common) = (options, head, settings, common)
    teacherModel = model
    teacher = try DetectorReading(model.graph, head: head, common: common)
    let learner = try StudentModel(
      options, teacher: teacher, isEmbedded: model.isEmbedded, inputs: model.inputs)
    student = learner
    pupil = try learner.naming {
      try DetectorReading(learner.graph, head: head, common: common)
    }
    choices = try DistillationChoice.parse(options.loss)
    try Self.check(teacher, pupil)
    var (pair, reason) = (HeadPair?.none, teacher.headReason + pupil.headReason)
    if let own = pupil.head, let other = teacher.head {
      do {
        pair = try HeadPair(
          student: own, try pupil.mapShapes(threads: common.threadCount), teacher: other,
          try teacher.mapShapes(threads: common.threadCount))
      } catch DistillationError.heads(_, let why) { reason = why }
    }
    (heads, headReason) = (pair, reason)
  }

  private static func check(_ teacher: DetectorReading, _ pupil: DetectorReading) throws {
    let (own, other) = (pupil.imageSize, teacher.imageSize)
    guard own == other else {
      throw DistillationError.shape(
        role: "teacher", expected: [own.height, own.width], found: [other.height, other.width])
    }
    let (fit, otherFit) = (
      pupil.configuration.preprocessing, teacher.configuration.preprocessing
    )
    guard fit.fit == otherFit.fit, fit.fit == .stretch || fit.pad == otherFit.pad else {
      throw CommandError(
        .badData,
        "the teacher takes images fitted by \(otherFit.fit.rawValue) on \(otherFit.pad), the student by "
          + "\(fit.fit.rawValue) on \(fit.pad); give a student made for the teacher's images")
    }
  }

  /// What is decided before training.
  func plan() throws -> DistillationPlan {
    DistillationPlan(
      teacher: teacherModel.sha256, student: student.description, losses: choices,
      labelWeight: options.labelWeight, points: try points(), epochs: settings.training.epochs,
      seed: options.seed)
  }

  private var looksAtFeatures: Bool {
    choices.contains { DistillationLoss.named($0.loss)?.subject == .features }
  }

  private func points() throws -> [FeaturePoint] {
    guard looksAtFeatures else { return [] }
    if let pairs = try options.pairs() {
      return try FeaturePoint.named(
        pairs, teacher: teacher.graph, student: pupil.graph, imageSize: pupil.imageSize)
    }
    return try FeaturePoint.automatic(
      teacher: teacher.graph, student: pupil.graph, imageSize: pupil.imageSize)
  }

  /// Trains the student, and the control when asked for.
  ///
  /// - Throws: ``DistillationError``, what training throws.
  func run(_ plan: DistillationPlan) throws -> Outcome {
    guard let learning else { throw TrainingError.noImages }
    guard learning.isLabelled || !options.control else {
      throw CommandError(
        .noInput, "the control learns from labels, and the images have none; leave out --control")
    }
    for remark in remarks { common.logger.warning("\(remark)") }
    let detector = try student.naming {
      try DetectorTraining(
        student.graph, head: head, training: learning, validation: nil, settings: settings,
        common: common)
    }
    let hooks = { [student.keepsZeros(of: detector.graph)] }
    let source = try teacherSource(plan)
    let objective = try self.objective(plan, source, hasLabels: learning.isLabelled)
    let trainer = try detector.trainer(
      hooks: hooks() + [objective], objective: objective,
      needsLabels: options.labelWeight > 0)
    try detector.watch(trainer)
    try (source as? TeacherCache)?.save()
    var outcome = Outcome(trainer: trainer)
    outcome.cached = (source as? TeacherCache).map { ($0.hits, $0.count) }
    guard options.control else { return outcome }
    common.logger.notice("control: the same student, seed and budget, on labels alone")
    let control = try detector.trainer(hooks: hooks())
    try detector.watch(control)
    outcome.control = control
    return outcome
  }

  /// What the losses leave untaught without labels, a sentence each.
  private var remarks: [String] {
    guard options.labelWeight == 0 else { return [] }
    let onHeads = choices.filter { DistillationLoss.named($0.loss)?.subject == .head }
    if onHeads.isEmpty {
      return ["without labels nothing teaches the student's head: add kd and ld to --loss"]
    }
    guard !onHeads.contains(where: { $0.loss == DistillationLoss.localization.name }) else {
      return []
    }
    return ["without labels nothing teaches the student's boxes: add ld to --loss"]
  }

  /// The names of the teacher's values: the head's maps where heads are compared, then features.
  private func teacherValues(_ plan: DistillationPlan) -> [String] {
    (heads == nil ? [] : teacher.head?.taps ?? []) + plan.points.map(\.teacher.name)
  }

  private func teacherSource(_ plan: DistillationPlan) throws -> any TeacherSource {
    let values = teacherValues(plan)
    let network = TeacherNetwork(
      try ReferenceNetwork(
        teacher.graph, values: values, batchSize: settings.training.batchSize,
        imageSize: teacher.imageSize, threads: common.threadCount),
      conversion: PixelConversion(
        from: pupil.configuration.preprocessing, to: teacher.configuration.preprocessing))
    guard let path = options.cache else { return network }
    return try TeacherCache(
      network, file: URL(filePath: path), teacher: teacherModel.sha256, values: values,
      limit: options.cacheLimit * 1_000_000)
  }

  private func objective(
    _ plan: DistillationPlan, _ source: any TeacherSource, hasLabels: Bool
  ) throws -> DistillationObjective {
    var labels: (any DetectionLoss)?
    if options.labelWeight > 0 {
      guard hasLabels else {
        throw CommandError(
          .noInput, "the images have no labels to learn from; give --label-weight 0")
      }
      guard let head = pupil.head else {
        throw CommandError(
          .badData, "\(pupil.headReason); learn from the teacher alone: --label-weight 0")
      }
      labels = try head.loss()
    }
    return try DistillationObjective(
      student: .init(
        labels: labels, labelWeight: Float(options.labelWeight), head: pupil.head?.taps ?? []),
      points: plan.points, choices: plan.losses, teacher: source
    ) { choice in
      var context = DistillationContext(
        loss: choice, points: plan.points, heads: heads, images: settings.training.batchSize,
        hasLabels: hasLabels, learningRate: options.adapterLr, seed: options.seed,
        threads: common.threadCount)
      if !headReason.isEmpty { context.headReason = headReason }
      return context
    }
  }
}
