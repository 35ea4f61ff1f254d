import Execution
import Foundation
import GraphIR
import ObjectDetection
import Training

/// Trains a student network with a teacher: chooses losses and feature points, trains, and trains a
/// control.
public struct Distillation {
  /// The settings of a distillation.
  public struct Configuration: Sendable {
    /// The losses between student and teacher; none to choose automatically: kd and ld where both
    /// heads score the same classes in the same cells and write boxes alike, else boxes.
    public var losses: [DistillationChoice]
    /// The weight of the loss against labels; 0 without labels.
    public var labelWeight = 1.0
    /// Where features are compared, by the names of values; `nil` to choose automatically.
    public var pairs: [(teacher: String, student: String)]?
    /// The learning rate of networks that losses train along with the student.
    public var adapterLearningRate = 0.001
    /// A file that keeps the teacher's values; `nil` for none.
    public var cache: Cache?
    /// Whether the same student is trained again on labels alone.
    public var trainsControl = false
    /// How the student is trained.
    public var training: DetectorTraining.Settings

    /// Losses and how the student is trained.
    public init(losses: [DistillationChoice] = [], training: DetectorTraining.Settings) {
      (self.losses, self.training) = (losses, training)
    }

    var seed: UInt64 { training.seed }
  }

  /// A file that keeps the teacher's values.
  public struct Cache: Sendable {
    /// An HDF5 file.
    public var file: URL
    /// The most bytes of values.
    public var limit: Int

    /// A file with at most `limit` bytes of values.
    public init(file: URL, limit: Int) { (self.file, self.limit) = (file, limit) }
  }

  /// A student network.
  public struct Student {
    /// The network and its head.
    public var detector: DistilledDetector
    /// Where it comes from, for people.
    public var description: String
    /// The weights whose zeros stay zero; `nil` for all.
    public var sparseWeights: Set<String>?

    /// A student.
    public init(
      _ detector: DistilledDetector, description: String, sparseWeights: Set<String>? = nil
    ) {
      (self.detector, self.description) = (detector, description)
      self.sparseWeights = sparseWeights
    }

    fileprivate func keepsZeros(of trained: Graph, registry: OperatorRegistry) -> KeptZeros {
      let all = TrainableParameter.all(in: trained, registry: registry)
      return KeptZeros(
        parameters: sparseWeights.map { names in all.filter { names.contains($0.name) } } ?? all)
    }
  }

  /// A trained student.
  public struct Outcome {
    /// The training.
    public var trainer: Trainer
    /// The training of the same student on labels alone; `nil` without a control.
    public var control: Trainer?
    /// The number of images whose values came from the cache, and of those that it holds; `nil`
    /// without a cache.
    public var cached: (hits: Int, entries: Int)?
  }

  private let configuration: Configuration
  /// The losses, chosen where none are given.
  private let choices: [DistillationChoice]
  private let teacher: DistilledDetector
  private let teacherDigest: String
  private let student: Student
  private let heads: HeadPair?
  private let headReason: String
  private let engine: Engine

  /// Finds the heads and feature points that two networks have in common.
  ///
  /// - Parameters:
  ///   - teacherDigest: The SHA-256 digest of the teacher's file, for the plan and the cache.
  /// - Throws: ``DistillationError`` when they take different images, what sessions throw.
  public init(
    _ configuration: Configuration, teacher: DistilledDetector, teacherDigest: String = "",
    student: Student, engine: Engine
  ) throws {
    (self.configuration, self.engine) = (configuration, engine)
    (self.teacher, self.teacherDigest, self.student) = (teacher, teacherDigest, student)
    let network = student.detector
    var pair: HeadPair?
    var reasons = [("teacher", teacher.headReason), ("student", network.headReason)].filter {
      !$0.1.isEmpty
    }.map { "of the \($0.0), \($0.1)" }
    if let own = network.head, let other = teacher.head {
      do {
        pair = try HeadPair(
          student: own, try network.mapShapes(engine: engine), teacher: other,
          try teacher.mapShapes(engine: engine))
      } catch DistillationError.heads(_, let why) { reasons = [why] }
    }
    (heads, headReason) = (pair, reasons.joined(separator: "; "))
    let fault = Self.fault(teacher, network)
    if configuration.losses.isEmpty {
      let isAlike = fault == nil && pair?.comparesBoxes == true
      choices = (isAlike ? [.response, .localization] : [.boxes]).map { DistillationChoice($0) }
    } else {
      choices = configuration.losses
    }
    // What compares numbers needs the same images; boxes are found on any.
    if let fault,
      choices.contains(where: { DistillationLoss.named($0.loss)?.subject != .boxes })
    {
      throw fault
    }
  }

  private var settings: DetectorTraining.Settings { configuration.training }
  private var learner: DistilledDetector { student.detector }

  /// Why student and teacher do not take the same images; `nil` when they do.
  private static func fault(
    _ teacher: DistilledDetector, _ student: DistilledDetector
  ) -> DistillationError? {
    let (own, other) = (student.imageSize, teacher.imageSize)
    guard own == other else {
      return .shape(
        role: "teacher", expected: [own.height, own.width], found: [other.height, other.width])
    }
    let (fit, otherFit) = (
      student.configuration.preprocessing, teacher.configuration.preprocessing
    )
    guard fit.fit == otherFit.fit, fit.fit == .stretch || fit.pad == otherFit.pad else {
      return .preprocessing(
        teacher: "\(otherFit.fit.rawValue) on \(otherFit.pad)",
        student: "\(fit.fit.rawValue) on \(fit.pad)")
    }
    return nil
  }

  /// The plan, which is decided before training.
  ///
  /// - Throws: ``DistillationError`` for feature points that do not exist.
  public func plan() throws -> DistillationPlan {
    DistillationPlan(
      teacher: teacherDigest, student: student.description, losses: choices,
      labelWeight: configuration.labelWeight, points: try points(),
      epochs: settings.training.epochs, seed: configuration.seed)
  }

  private var looksAtFeatures: Bool {
    choices.contains { DistillationLoss.named($0.loss)?.subject == .features }
  }

  private func points() throws -> [FeaturePoint] {
    guard looksAtFeatures else { return [] }
    if let pairs = configuration.pairs {
      return try FeaturePoint.named(
        pairs, teacher: teacher.graph, student: learner.graph, imageSize: learner.imageSize,
        registry: engine.registry)
    }
    return try FeaturePoint.automatic(
      teacher: teacher.graph, student: learner.graph, imageSize: learner.imageSize,
      registry: engine.registry)
  }

  /// Trains the student, and the control when asked for.
  ///
  /// - Throws: ``DistillationError``, what training throws.
  public func run(_ plan: DistillationPlan, on learning: Dataset) throws -> Outcome {
    guard learning.isLabelled || !configuration.trainsControl else {
      throw DistillationError.unlabelled(use: "the control")
    }
    let findings = try looksAtBoxes ? TeacherFindings(teacher, for: learner) : nil
    for remark in remarks(findings) { engine.progress.warning(remark) }
    let detector = try DetectorTraining(
      learner.graph, head: learner.settings, training: learning, settings: settings,
      engine: engine)
    let hooks = { [student.keepsZeros(of: detector.graph, registry: engine.registry)] }
    let source = try teacherSource(plan, findings)
    let objective = try self.objective(
      plan, source, findings, hasLabels: learning.isLabelled)
    let trainer = try detector.trainer(
      hooks: hooks() + [objective], objective: objective,
      needsLabels: configuration.labelWeight > 0)
    try detector.watch(trainer)
    try (source as? TeacherCache)?.save()
    var outcome = Outcome(trainer: trainer)
    outcome.cached = (source as? TeacherCache).map { ($0.hits, $0.count) }
    guard configuration.trainsControl else { return outcome }
    engine.progress.notice("control: the same student, seed and budget, on labels alone")
    let control = try detector.trainer(hooks: hooks())
    try detector.watch(control)
    outcome.control = control
    return outcome
  }

  private var looksAtBoxes: Bool {
    choices.contains { DistillationLoss.named($0.loss)?.subject == .boxes }
  }

  /// Remarks on what the losses do not train, a sentence each.
  private func remarks(_ findings: TeacherFindings?) -> [String] {
    if let findings {
      let left = findings.unshared(teacher, learner).student
      return left.isEmpty
        ? [] : ["the teacher does not know \(left.joined(separator: ", ")): it finds none of these"]
    }
    guard configuration.labelWeight == 0 else { return [] }
    let onHeads = choices.filter { DistillationLoss.named($0.loss)?.subject == .head }
    if onHeads.isEmpty {
      return ["without labels nothing teaches the student's head: add the losses kd and ld"]
    }
    guard !onHeads.contains(where: { $0.loss == DistillationLoss.localization.name }) else {
      return []
    }
    return ["without labels nothing teaches the student's boxes: add the loss ld"]
  }

  /// The names of the teacher's values: the head's maps where heads are compared, then features,
  /// then the outputs that boxes are read off.
  private func teacherValues(
    _ plan: DistillationPlan, _ findings: TeacherFindings?
  ) -> [String] {
    (heads == nil ? [] : teacher.head?.taps ?? []) + plan.points.map(\.teacher.name)
      + (findings?.outputs ?? [])
  }

  private func teacherSource(
    _ plan: DistillationPlan, _ findings: TeacherFindings?
  ) throws -> any TeacherSource {
    let values = teacherValues(plan, findings)
    let network = TeacherNetwork(
      try ReferenceNetwork(
        teacher.graph, values: values, batchSize: settings.training.batchSize,
        imageSize: teacher.imageSize, engine: engine),
      conversion: PixelConversion(
        from: learner.configuration.preprocessing, to: teacher.configuration.preprocessing),
      resizing: PixelResizing(from: learner.imageSize, to: teacher.imageSize))
    guard let cache = configuration.cache else { return network }
    return try TeacherCache(
      network, file: cache.file, teacher: teacherDigest, values: values, limit: cache.limit)
  }

  private func objective(
    _ plan: DistillationPlan, _ source: any TeacherSource, _ findings: TeacherFindings?,
    hasLabels: Bool
  ) throws -> DistillationObjective {
    var labels: (any DetectionLoss)?
    if configuration.labelWeight > 0 {
      guard hasLabels else {
        throw DistillationError.unlabelled(use: "the student")
      }
      guard let head = learner.head else {
        throw DistillationError.labelLoss(reason: learner.headReason)
      }
      labels = try head.loss()
    }
    return try DistillationObjective(
      student: .init(
        labels: labels, labelWeight: Float(configuration.labelWeight),
        head: learner.head?.taps ?? []),
      points: plan.points, choices: plan.losses, teacher: source, findings: findings
    ) { choice in
      var context = DistillationContext(
        loss: choice, points: plan.points, heads: heads, images: settings.training.batchSize,
        hasLabels: hasLabels, learningRate: configuration.adapterLearningRate,
        seed: configuration.seed,
        engine: engine)
      if !headReason.isEmpty { context.headReason = headReason }
      context.studentLoss = try? learner.head?.loss()
      if !learner.headReason.isEmpty { context.studentReason = learner.headReason }
      return context
    }
  }
}
