import Compression
import Execution
import GraphIR
import ObjectDetection
import Training

/// Sets single weights of a detector to zero: chooses, zeroes, refits or trains on.
public struct WeightPruning {
  /// Which weights become zero, and what makes up for them.
  public struct Configuration: Sendable {
    /// Which weights go: sparsity, criterion, scope, pattern, exceptions and seed.
    public var request: PruningRequest
    /// How sparsity grows while the network trains.
    public var schedule = SparsitySchedule.oneShot
    /// Steps of training from one growth of the masks to the next; `nil` for a fiftieth of all.
    public var frequency: Int?
    /// How the network is trained; no epochs train nothing.
    public var training = DetectorTraining.Settings()

    /// A request, without training.
    public init(_ request: PruningRequest = PruningRequest()) {
      self.request = request
      training.seed = request.seed
      training.training.epochs = 0
    }

    /// Whether training images are needed.
    public var trains: Bool { training.training.epochs > 0 || request.criterion.needsGradients }
  }

  /// A pruned network and how it came about.
  public struct Outcome {
    /// The network.
    public var graph: Graph
    /// What was zeroed.
    public var plan: PruningPlan
    /// What refitting did, by layer; `nil` without.
    public var layers: [SecondOrderPruning.Layer]?
    /// The training; `nil` without.
    public var trainer: Trainer?
    /// What the plan alone says of the network; `nil` once it was refitted or trained.
    public var predicted: Graph?
  }

  /// Which weights become zero, and what makes up for them.
  public var configuration: Configuration
  private let head: HeadSettings
  private let engine: Engine

  /// A method of a configuration.
  ///
  /// - Parameters:
  ///   - head: What is said of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration, head: HeadSettings = HeadSettings(), engine: Engine = Engine()
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  private var request: PruningRequest { configuration.request }

  /// Images that damages are measured on.
  private static let damageImages = 16

  /// Whether a plan, or without one the configuration, refits layers on images.
  public func needsImages(replaying plan: PruningPlan? = nil) -> Bool {
    guard let plan else { return request.criterion.needsImages }
    return WeightCriterion.named(plan.method)?.needsImages ?? false
  }

  /// What would become zero; nothing does.
  ///
  /// - Parameter images: The images to look at; `nil` for a criterion that looks at weights alone.
  /// - Throws: ``PruningError``, what sessions throw.
  public func plan(
    for graph: Graph, images: @autoclosure () throws -> CalibrationImages? = nil
  ) throws -> PruningPlan {
    guard needsImages() else { return try request.plan(for: graph, registry: engine.registry) }
    let images = try seen(images())
    return try choose(try secondOrder(graph, request, images), graph, images)
  }

  /// Prunes a network, by a plan where one is given.
  ///
  /// - Parameters:
  ///   - images: The images to look at; `nil` for none.
  ///   - learning: The images to train on; `nil` for none.
  /// - Throws: ``PruningError``, what sessions and training throw.
  public func run(
    on graph: Graph, replaying known: PruningPlan? = nil,
    images: @autoclosure () throws -> CalibrationImages? = nil, learning: Dataset? = nil
  ) throws -> Outcome {
    if known == nil, configuration.trains { return try train(graph, learning) }
    guard needsImages(replaying: known) else {
      let plan = try known ?? plan(for: graph)
      return Outcome(
        graph: try plan.applied(to: graph, registry: engine.registry), plan: plan,
        predicted: try? plan.predicted(for: graph, registry: engine.registry))
    }
    let images = try seen(images())
    var request = request
    // The plan says what stays whole; which layers are looked at follows from it.
    if let known { (request.keepsEnds, request.seed) = (false, known.seed) }
    let pruning = try secondOrder(graph, request, images)
    let plan = try known ?? choose(pruning, graph, images)
    let outcome = try pruning.apply(plan)
    return Outcome(graph: outcome.graph, plan: plan, layers: outcome.layers)
  }

  // MARK: By second order

  private func seen(_ images: CalibrationImages?) throws -> CalibrationImages {
    guard let images, !images.isNoise else {
      throw PruningError.needsImages(method: WeightCriterion.secondOrder.name)
    }
    return images
  }

  private func secondOrder(
    _ graph: Graph, _ request: PruningRequest, _ images: CalibrationImages
  ) throws -> SecondOrderPruning {
    try SecondOrderPruning(
      graph, configuration: .init(request: request), inputs: images, engine: engine)
  }

  private func choose(
    _ pruning: SecondOrderPruning, _ graph: Graph, _ images: CalibrationImages
  ) throws -> PruningPlan {
    let meter = try SensitivityMeter(
      graph, measure: .detection, images: images, most: Self.damageImages, settings: head,
      engine: engine)
    return try pruning.plan(damage: meter.damage)
  }

  // MARK: In training

  /// Trains with masks that grow, and returns the model with its averaged weights.
  private func train(_ graph: Graph, _ learning: Dataset?) throws -> Outcome {
    guard let learning else { throw TrainingError.noImages }
    var settings = configuration.training
    let epochs = settings.training.epochs
    if epochs == 0 { settings.training.standStill() }
    let detector = try DetectorTraining(
      graph, head: head, training: learning, settings: settings, engine: engine)
    let steps = detector.steps
    let masks = try GradualPruning(
      request, schedule: configuration.schedule,
      frequency: epochs == 0 ? steps : configuration.frequency ?? max(1, steps / 50),
      graph: detector.graph, registry: engine.registry)
    let trainer = try detector.trainer(hooks: [masks])
    let end = try detector.end(of: trainer)
    if let failure = masks.failure { throw failure }
    if case .diverged(let epoch, let step) = end {
      throw TrainingError.diverged(epoch: epoch, step: step)
    }
    let pruned = trainer.current
    return Outcome(
      graph: pruned, plan: try masks.plan(for: pruned), trainer: epochs == 0 ? nil : trainer)
  }
}
