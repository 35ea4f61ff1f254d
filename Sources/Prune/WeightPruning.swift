import Compression
import Execution
import GraphIR
import ObjectDetection
import Training

/// Sets single weights of a detector to zero: chooses, zeroes, and refits or fine-tunes.
public struct WeightPruning {
  /// The settings of weight pruning.
  public struct Configuration: Sendable {
    /// Which weights become zero: sparsity, criterion, scope, pattern, exceptions and seed.
    public var request: PruningRequest
    /// How sparsity grows while the network is trained.
    public var schedule = SparsitySchedule.oneShot
    /// Steps of training between two updates of the masks; `nil` for a fiftieth of all.
    public var frequency: Int?
    /// How the network is trained; with no epochs it is not trained.
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

  /// A pruned network, with a record of how it was made.
  public struct Outcome {
    /// The network.
    public var graph: Graph
    /// The zeroed weights.
    public var plan: PruningPlan
    /// The effect of refitting, by layer; `nil` without it.
    public var layers: [SecondOrderPruning.SparseRefit]?
    /// The training; `nil` without.
    public var trainer: Trainer?
    /// The network that the plan alone predicts; `nil` after refitting or training.
    public var predicted: Graph?
  }

  /// The settings of the pruning.
  public var configuration: Configuration
  private let head: HeadSettings
  /// How networks are run.
  public let engine: Engine

  /// A pruning with a configuration.
  ///
  /// - Parameters:
  ///   - head: The given settings of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration, head: HeadSettings = HeadSettings(), engine: Engine = Engine()
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  private var request: PruningRequest { configuration.request }

  /// Whether no weight becomes zero, so that there is nothing to make up for.
  private var zeroesNothing: Bool {
    request.pattern.sparsity == nil && request.sparsity == 0
      && request.overrides.allSatisfy { $0.sparsity == 0 }
  }

  /// The number of images that damages are measured on.
  private static let damageImages = 16

  /// Whether a plan, or without one the configuration, refits layers on images.
  public func needsImages(replaying plan: PruningPlan? = nil) -> Bool {
    guard let plan else { return request.criterion.needsImages }
    return WeightCriterion.named(plan.method)?.needsImages ?? false
  }

  /// The plan, without zeroing anything.
  ///
  /// - Parameter images: The calibration images; `nil` for a criterion that needs only weights.
  /// - Throws: ``PruningError``, what sessions throw.
  public func plan(
    for graph: Graph, images: @autoclosure () throws -> CalibrationImages? = nil
  ) throws -> PruningPlan {
    guard needsImages(), !zeroesNothing else {
      return try request.plan(for: graph, registry: engine.registry)
    }
    let images = try seen(images())
    return try choose(try secondOrder(graph, request, images), graph, images)
  }

  /// Prunes a network, or replays a plan on it.
  ///
  /// - Parameters:
  ///   - images: The calibration images; `nil` for none.
  ///   - learning: The images to train on; `nil` for none.
  /// - Throws: ``PruningError``, what sessions and training throw.
  public func run(
    on graph: Graph, replaying known: PruningPlan? = nil,
    images: @autoclosure () throws -> CalibrationImages? = nil, learning: Dataset? = nil
  ) throws -> Outcome {
    if known == nil, configuration.trains, !needsImages() { return try train(graph, learning) }
    if known == nil, zeroesNothing, !configuration.trains {
      return Outcome(graph: graph, plan: try plan(for: graph), predicted: graph)
    }
    guard needsImages(replaying: known) else {
      let plan = try known ?? plan(for: graph)
      return Outcome(
        graph: try plan.applied(
          to: graph, registry: engine.registry, by: request.criterion), plan: plan,
        predicted: try? plan.predicted(
          for: graph, registry: engine.registry, by: request.criterion))
    }
    let images = try seen(images())
    var request = request
    if let known { request.look(at: graph, as: known) }
    let pruning = try secondOrder(graph, request, images)
    let plan = try known ?? choose(pruning, graph, images)
    let outcome = try pruning.apply(plan)
    var result = Outcome(graph: outcome.graph, plan: plan, layers: outcome.layers)
    if known == nil, configuration.trains {
      let trainer = try tune(outcome.graph, towards: graph, on: learning)
      (result.graph, result.trainer) = (trainer.current, trainer)
    }
    return result
  }

  /// Trains a pruned network, whose zeros stay.
  private func tune(
    _ pruned: Graph, towards original: Graph, on images: Dataset?
  ) throws -> Trainer {
    try DetectorTraining.tune(
      pruned, towards: original, on: images, settings: configuration.training,
      hooks: [KeptZeros(parameters: TrainableParameter.all(in: pruned, registry: engine.registry))],
      head: head,
      engine: engine)
  }

  /// How far a network's answers are from the original's: the relative squared error of the head's
  /// raw maps, or of the outputs where the head is not known; 0 for equal networks, about 1 for one
  /// that answers with constants.
  ///
  /// - Throws: What sessions and the images throw.
  public func distance(
    of graph: Graph, from original: Graph, images: CalibrationImages
  ) throws -> Double {
    try SensitivityMeter(
      original, measure: .output, images: images, most: Self.distanceImages, settings: head,
      engine: engine
    ).damage(graph)
  }

  /// The number of images that a distance is measured on.
  public static let distanceImages = 8

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

  /// Trains with growing masks, and returns the model with its averaged weights.
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

extension PruningRequest {
  /// Lets the same layers be looked at as when a plan was made.
  fileprivate mutating func look(at graph: Graph, as plan: PruningPlan) {
    (seed, pattern, keepsEnds) = (plan.seed, plan.pattern, true)
    // Names of another model are for the check of the plan to find.
    let known = plan.layers.filter { graph[constant: $0.weight] != nil }
    excluded = known.filter { $0.keptBecause == .excluded }.map { NamePattern($0.weight) }
    // What is pruned is pruned, even at the ends.
    overrides = known.filter { $0.keptBecause == nil }.map { (NamePattern($0.weight), 0) }
  }
}
