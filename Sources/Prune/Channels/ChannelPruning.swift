import Compression
import Execution
import GraphIR
import ObjectDetection
import Training

/// Removes channels from a detector: chooses, cuts, proves, compensates and fine-tunes.
///
/// Choosing never alters the network. Every cut is proved: the cut network must compute what the
/// whole one computes when its readers see zeros in place of the removed channels.
public struct ChannelPruning {
  /// The settings of channel pruning.
  public struct Configuration: Sendable {
    /// The importance of channels.
    public var criterion: ChannelCriterion
    /// The target of the cut.
    public var target: ChannelTarget
    /// How a cut is distributed, and what each layer keeps.
    public var request = ChannelRequest()
    /// Rounds of cutting and training.
    public var rounds = 1
    /// Layers that keep all their channels.
    public var excluded: [NamePattern] = []
    /// Damage curves that decide how a cut is distributed; `nil` for none.
    public var sensitivity: ChannelSensitivity?
    /// Whether the damage of removing channels is measured first, and decides how a cut is
    /// distributed where there are no curves; this needs images.
    public var measuresDamage = false
    /// Whether readers get the mean of removed channels, and normalisations are measured again;
    /// criteria that refit the readers need neither.
    public var compensates = true
    /// Whether batch normalisations are inserted behind convolutions first.
    public var insertsBatchNormalization = false
    /// Training towards sparse scales before channels are chosen; `nil` for none.
    public var slimming: Slimming?
    /// How gradients are computed and the cut network is trained; with no epochs it is not trained.
    public var training = DetectorTraining.Settings()

    /// A cut by a criterion to a target, without training.
    public init(
      criterion: ChannelCriterion = .l1, target: ChannelTarget = .sparsity(0.5), seed: UInt64 = 0
    ) {
      (self.criterion, self.target) = (criterion, target)
      (request.method, request.seed) = (criterion.name, seed)
      measuresDamage = criterion.need.refits
      training.seed = seed
      training.training.epochs = 0
    }
  }

  /// Training with an L1 penalty on all γ.
  ///
  /// Reference: Liu et al., *Learning Efficient Convolutional Networks through Network Slimming*,
  /// ICCV 2017, arXiv:1708.06519.
  public struct Slimming: Sendable {
    /// Passes over the training images.
    public var epochs: Int
    /// λ in the loss + λ · Σ |γ|.
    public var strength: Float

    /// Training for a number of epochs at a strength.
    public init(epochs: Int, strength: Float = 1e-4) {
      (self.epochs, self.strength) = (epochs, strength)
    }
  }

  /// A pruned network, with a record of how it was made.
  public struct Outcome {
    /// The network.
    public var graph: Graph
    /// The removed channels.
    public var plan: ChannelPlan
    /// The proof of the surgery.
    public var proof: ChannelProof
    /// What the written file must compute.
    public var prediction: Prediction
    /// The effect of reconstruction, by layer; empty without it.
    public var reconstruction: [ChannelReconstruction.ReaderRefit] = []
    /// Whether the target is met.
    public var isTargetMet: Bool
    /// The training after the last cut; `nil` without.
    public var trainer: Trainer?
    /// What a user should know, a sentence each.
    public var remarks: [String] = []
    /// Whether there were no images: readers do not get the mean of removed channels,
    /// normalisations stay as they are, and the proof ran on noise.
    public var ranOnNoise = false
    /// The absolute scales of batch normalisations at each stage, by its name.
    public var scales: [(stage: String, values: [Double])] = []
  }

  /// The settings of the pruning.
  public var configuration: Configuration
  let head: HeadSettings
  /// How networks are run.
  public let engine: Engine

  /// A pruning with a configuration.
  ///
  /// - Parameters:
  ///   - head: The given settings of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration, head: HeadSettings = HeadSettings(), engine: Engine
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  /// A pruning with the default configuration for a criterion and a target.
  public init(
    criterion: ChannelCriterion, target: ChannelTarget, seed: UInt64 = 0,
    engine: Engine = Engine()
  ) {
    self.init(Configuration(criterion: criterion, target: target, seed: seed), engine: engine)
  }

  var criterion: ChannelCriterion { configuration.criterion }
  var settings: DetectorTraining.Settings { configuration.training }
  var measuresDamage: Bool { configuration.measuresDamage && configuration.sensitivity == nil }
  /// The request, whose allocation has the name that plans give it.
  var request: ChannelRequest {
    var request = configuration.request
    if measuresDamage { request.allocation = .measured([]) }
    return request
  }

  // MARK: Choosing

  /// The plan, without removing anything.
  ///
  /// - Parameters:
  ///   - images: The calibration images; `nil` for a criterion that needs only weights.
  ///   - learning: The images to compute gradients on; `nil` for none.
  /// - Throws: ``PruningError``, what sessions and training throw.
  public func plan(
    for source: Graph, images: @autoclosure () throws -> CalibrationImages? = nil,
    learning: Dataset? = nil
  ) throws -> (plan: ChannelPlan, isTargetMet: Bool) {
    let graph = try prepared(source, learning)
    let coupling = try coupling(of: graph)
    let start = try engine.cost(of: graph)
    let looks = criterion.need.looksAtImages || measuresDamage
    let seen = looks ? try images() : nil
    let sampling = try sampling(coupling, seen)
    let choice = try choose(
      coupling, graph, configuration.target, start: start, seen, learning, sampling)
    var removed = choice.removed
    if criterion.need == .reconstruction, let seen, !seen.isNoise {
      removed = try seen.naming {
        try ChannelReconstruction(
          coupling, like: removed, refits: false, settings: sampling, inputs: seen, engine: engine
        ).removed
      }
    }
    return (
      ChannelPlan(coupling, removing: removed, request: request), choice.isMet
    )
  }

  // MARK: Cutting

  /// Prunes a network.
  ///
  /// - Parameters:
  ///   - images: The calibration images, for choosing, refitting and the proof.
  ///   - learning: The images to train on; `nil` for none.
  /// - Throws: ``PruningError``, also when the proof fails, what training throws.
  public func run(
    on source: Graph, images: CalibrationImages, learning: Dataset? = nil
  ) throws -> Outcome {
    var graph = try prepared(source, learning)
    let scalesAtChoice = graph.normalizationScales
    let start = try engine.cost(of: graph)
    var last: Outcome?
    for round in 1...configuration.rounds {
      let target = configuration.target.part(round, of: configuration.rounds, from: start)
      var outcome = try cut(graph, to: target, start: start, images, learning)
      outcome.remarks = (last?.remarks ?? []) + outcome.remarks
      if settings.training.epochs > 0 { try train(&outcome, original: source, learning) }
      graph = outcome.graph
      last = outcome
    }
    guard var last else { throw PruningError.nothingToPrune(kept: [:]) }
    last.scales = [("before", source.normalizationScales)]
    if configuration.slimming != nil || configuration.insertsBatchNormalization {
      last.scales.append(("when channels were chosen", scalesAtChoice))
    }
    last.scales.append(("after", last.graph.normalizationScales))
    return last
  }

  /// Removes the channels of a saved plan.
  ///
  /// - Throws: ``PruningError``, also when the proof fails, what sessions throw.
  public func apply(
    _ plan: ChannelPlan, to graph: Graph, images: CalibrationImages
  ) throws -> Outcome {
    let own = criterion.name == plan.method ? criterion : nil
    guard let criterion = own ?? ChannelCriterion.named(plan.method) else {
      throw PruningError.unknown(
        kind: "method", name: plan.method, known: ChannelCriterion.all.map(\.name))
    }
    let coupling = try coupling(of: graph)
    var pruning = self
    pruning.configuration.criterion = criterion
    pruning.configuration.request.method = plan.method
    let sampling = try pruning.sampling(coupling, images)
    return try images.naming {
      try pruning.finish(
        coupling, try plan.groups(of: coupling), plan, images, sampling, isTargetMet: true,
        isReplay: true)
    }
  }

  private func cut(
    _ graph: Graph, to target: ChannelTarget, start: ModelCost, _ images: CalibrationImages,
    _ learning: Dataset?
  ) throws -> Outcome {
    let coupling = try coupling(of: graph)
    let sampling = try sampling(coupling, images)
    let choice = try choose(coupling, graph, target, start: start, images, learning, sampling)
    let request = request
    if !choice.isMet {
      engine.progress.warning(
        "\(target.text) cannot be reached where \(request.leastKept) of each layer's channels "
          + "stay; the strongest cut is taken")
    }
    let plan = ChannelPlan(coupling, removing: choice.removed, request: request)
    return try images.naming {
      try finish(
        coupling, choice.removed, plan, images, sampling, isTargetMet: choice.isMet)
    }
  }

  private func coupling(of graph: Graph) throws -> ChannelCoupling {
    let coupling = try ChannelCoupling(
      graph, registry: engine.registry, inputShapes: engine.inputShapes,
      excluded: configuration.excluded)
    for pattern in configuration.excluded {
      let names = coupling.producers.flatMap { [graph.nodes[$0.node].name, $0.weight] }
      guard names.contains(where: pattern.matches) else {
        throw PruningError.noSuchLayer(
          pattern: pattern.text, known: coupling.producers.map(\.weight))
      }
    }
    guard !coupling.groups.isEmpty else {
      throw PruningError.noChannel(obstacles: "\(coupling.obstacles)")
    }
    return coupling
  }

  // MARK: Training

  /// The network with batch normalisations inserted and γ trained towards zero, as configured.
  private func prepared(_ source: Graph, _ learning: Dataset?) throws -> Graph {
    var graph = source
    if configuration.insertsBatchNormalization {
      guard let learning else { throw TrainingError.noImages }
      var adaptation = ModelAdaptation(graph, head: head, engine: engine)
      try adaptation.insertBatchNormalization(learning)
      graph = adaptation.graph
    }
    guard let slimming = configuration.slimming else { return graph }
    var settings = settings
    settings.training.epochs = slimming.epochs
    let scales = graph.nodes.filter { $0.qualifiedType == "BatchNormalization" }.map {
      $0.inputs[1]
    }
    guard !scales.isEmpty else {
      throw PruningError.noScales(method: ChannelCriterion.bnGamma.name)
    }
    let penalty = L1Penalty(strength: slimming.strength, names: Set(scales))
    engine.progress.notice("training towards sparse scales for \(slimming.epochs) epochs")
    return try trained(graph, original: nil, settings, learning, hooks: [penalty]).current
  }

  func trained(
    _ graph: Graph, original: Graph?, _ settings: DetectorTraining.Settings, _ learning: Dataset?,
    hooks: [any TrainingHook] = []
  ) throws -> Trainer {
    try DetectorTraining.tune(
      graph, towards: original, on: learning, settings: settings, hooks: hooks, head: head,
      engine: engine)
  }

  private func train(
    _ outcome: inout Outcome, original: Graph, _ learning: Dataset?
  ) throws {
    var settings = settings
    settings.training.epochs = max(1, settings.training.epochs / configuration.rounds)
    let trainer = try trained(outcome.graph, original: original, settings, learning)
    outcome.graph = trainer.current
    outcome.trainer = trainer
    outcome.prediction.claims = [.init(what: "storing the network", expected: trainer.current)]
  }
}

extension Graph {
  /// The absolute γ of all batch normalisations.
  fileprivate var normalizationScales: [Double] {
    nodes.filter { $0.qualifiedType == "BatchNormalization" && $0.inputs.count == 5 }.flatMap {
      self[constant: $0.inputs[1]]?.doubles.map(\.magnitude) ?? []
    }
  }
}
