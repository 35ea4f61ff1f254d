import Execution
import Foundation
import GraphIR
import Tensors

/// Trains a network: runs batches, updates parameters, averages, validates, keeps the best.
///
/// The result depends on model, data, configuration and seed of the source alone. It does not
/// depend on the number of threads, nor on interruptions after which ``restore(_:)`` resumes from a
/// ``checkpoint``.
public final class Trainer {
  /// How it trains.
  public let configuration: TrainingConfiguration
  /// The progress so far.
  public private(set) var progress = TrainingProgress()
  /// The parts of the loss.
  public var partNames: [String] { objective.partNames }
  /// Parameters and statistics of the best epoch, `nil` before the first validation.
  public private(set) var best: [String: Tensor]?
  private let model: Graph
  private let objective: any TrainingObjective
  private let source: any BatchSource
  private let step: TrainingStep
  private let schedule: LearningRateSchedule
  private let hooks: [any TrainingHook]
  private var updater: ParameterUpdater
  private var average: WeightAverage?

  /// Prepares training.
  ///
  /// - Parameters:
  ///   - parameters: The parameters to train.
  ///   - engine: The known operators and the threads to compute with.
  ///   - hooks: The hooks of every step, in order.
  /// - Throws: ``TrainingError``, `NodeError` naming a node that has no derivative.
  public init(
    _ model: Graph, objective: any TrainingObjective, parameters: [TrainableParameter],
    source: any BatchSource, imageSize: (height: Int, width: Int),
    configuration: TrainingConfiguration, engine: Engine, hooks: [any TrainingHook] = []
  ) throws {
    var options = TrainingStep.Options(
      batchSize: configuration.batchSize, imageSize: imageSize, engine: engine)
    options.normalization =
      configuration.freezesNormalization
      ? .frozen : .batch(momentum: configuration.normalizationMomentum)
    options.recomputes = configuration.recomputes
    step = try TrainingStep(
      model, taps: objective.taps, parameters: parameters.map(\.name), options: options)
    guard !step.parameters.isEmpty else { throw TrainingError.nothingToTrain }
    let roles = Dictionary(
      parameters.map { ($0.name, $0.role) }, uniquingKeysWith: { first, _ in first })
    updater = ParameterUpdater(
      step, optimizer: try configuration.makeOptimizer(),
      decays: step.parameters.map { roles[$0] == .weight ? configuration.weightDecay : 0 },
      clipNorm: configuration.clipNorm, accumulation: configuration.accumulation)
    schedule = try configuration.makeSchedule()
    let stepsPerEpoch =
      (source.batchesPerEpoch + configuration.accumulation - 1) / configuration.accumulation
    progress.totalSteps = stepsPerEpoch * configuration.epochs
    if let decay = configuration.averageDecay {
      average = WeightAverage(
        step.state(), decay: decay, ramp: min(2000, Double(progress.totalSteps) / 10))
    }
    (self.model, self.objective, self.source) = (model, objective, source)
    self.configuration = configuration
    let penalty = configuration.l1 > 0
    self.hooks =
      (penalty ? [L1Penalty(strength: configuration.l1, parameters: parameters)] : []) + hooks
  }

  /// Trains from the current progress on.
  ///
  /// - Parameters:
  ///   - validate: Scores a model, higher being better; called with the averaged model after the
  ///     epochs that the configuration says.
  ///   - observe: Called with events; may stop the run.
  /// - Throws: what the source, the objective and the closures throw.
  public func run(
    validate: (Graph) throws -> (score: Double, metrics: [String: Double])? = { _ in nil },
    observe: (TrainingEvent) throws -> TrainingDirective = { _ in .proceed }
  ) throws -> TrainingEnd {
    for hook in hooks { hook.willTrain(step, at: progress) }
    while progress.epoch < configuration.epochs {
      let start = ContinuousClock.now
      let first = progress.batch
      if let end = try trainEpoch(observe) { return end }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let images = Double((source.batchesPerEpoch - first) * configuration.batchSize)
      var record = EpochRecord(
        epoch: progress.epoch + 1, step: progress.step,
        learningRate: learningRate(at: progress.step - 1),
        losses: progress.lossSums.map { $0 / Double(source.batchesPerEpoch) },
        sparsity: hooks.lazy.compactMap(\.sparsity).first, seconds: seconds,
        imagesPerSecond: images / max(seconds, 1e-9))
      (progress.epoch, progress.batch) = (progress.epoch + 1, 0)
      progress.lossSums = []
      let isBest = try score(&record, validate)
      progress.history.append(record)
      if case .stop = try observe(.epoch(record, isBest: isBest)) {
        return progress.epoch < configuration.epochs ? .stopped : .completed
      }
      if let patience = configuration.patience, progress.bestEpoch > 0,
        progress.epoch - progress.bestEpoch >= patience
      {
        return .outOfPatience
      }
    }
    return .completed
  }

  /// Runs the rest of an epoch; returns why training ends, or `nil` when it goes on.
  private func trainEpoch(
    _ observe: (TrainingEvent) throws -> TrainingDirective
  ) throws -> TrainingEnd? {
    let batches = source.batchesPerEpoch
    var isAskedToStop = false
    while progress.batch < batches {
      let last = min(progress.batch + configuration.accumulation, batches)
      for index in progress.batch..<last {
        let loss = try runBatch(index)
        guard loss.total.isFinite else {
          return .diverged(epoch: progress.epoch + 1, step: progress.step + 1)
        }
        if progress.lossSums.isEmpty {
          progress.lossSums = Array(repeating: 0, count: loss.parts.count)
        }
        for (part, value) in loss.parts.enumerated() { progress.lossSums[part] += value }
        progress.batch = index + 1
        if index + 1 == last, !update() {
          return .diverged(epoch: progress.epoch + 1, step: progress.step + 1)
        }
        if case .stop = try observe(.batch(progress, batches: batches, loss: loss)) {
          isAskedToStop = true
        }
      }
      // A step cannot be resumed in the middle, so a stop waits for its end.
      if isAskedToStop { return .stopped }
    }
    return nil
  }

  private func runBatch(_ index: Int) throws -> LossValue {
    let batch = try source.batch(epoch: progress.epoch, index: index)
    precondition(batch.images.count == step.images.count, "the batch does not fit the network")
    batch.images.withUnsafeBufferPointer {
      if let from = $0.baseAddress {
        step.images.baseAddress?.update(from: from, count: $0.count)
      }
    }
    try step.forward()
    let loss = try objective.evaluate(step.maps, on: batch, pool: step.pool)
    guard loss.total.isFinite else { return loss }
    try step.backward()
    step.updateStatistics()
    updater.accumulate(step)
    return loss
  }

  /// Takes one step of the optimiser; returns whether the gradients were finite.
  private func update() -> Bool {
    let isFinite = updater.update(
      step, count: progress.step, learningRate: Float(learningRate(at: progress.step))
    ) {
      for hook in hooks { hook.willUpdate(step, at: progress) }
    }
    guard isFinite else { return false }
    for hook in hooks { hook.didUpdate(step, at: progress) }
    progress.step += 1
    average?.update(step, count: progress.step)
    return true
  }

  /// The learning rate of a step, counted from 0.
  public func learningRate(at step: Int) -> Double {
    let total = Double(max(progress.totalSteps, 1))
    let perEpoch = total / Double(max(configuration.epochs, 1))
    let warmup = min(configuration.warmupEpochs * perEpoch, total / 10)
    let rise = warmup > 0 ? min(1, Double(step + 1) / warmup) : 1
    return configuration.learningRate * rise * schedule.factor(Double(step) / total)
  }

  /// Scores the averaged model and keeps it when it is the best.
  private func score(
    _ record: inout EpochRecord,
    _ validate: (Graph) throws -> (score: Double, metrics: [String: Double])?
  ) throws -> Bool {
    let isLast = progress.epoch == configuration.epochs
    guard isLast || progress.epoch % max(configuration.validationInterval, 1) == 0 else {
      return false
    }
    let state = averagedState
    guard let (score, metrics) = try validate(graph(with: state)) else { return false }
    (record.score, record.metrics) = (score, metrics)
    guard score > progress.bestScore ?? -.infinity else { return false }
    (progress.bestScore, progress.bestEpoch) = (score, progress.epoch)
    best = state
    return true
  }

  // MARK: Models

  private var averagedState: [String: Tensor] {
    guard var state = average?.values else { return step.state() }
    for hook in hooks { hook.constrain(&state) }
    return state
  }

  /// The model with its averaged weights as they are now.
  public var current: Graph { graph(with: averagedState) }
  /// The model of the best epoch, or the current one when no epoch was scored.
  public var bestModel: Graph { best.map(graph) ?? current }

  private func graph(with state: [String: Tensor]) -> Graph {
    var graph = model
    graph.setConstants(state)
    return graph
  }

  // MARK: Checkpoints

  /// Everything that ``restore(_:)`` needs to resume with the same result.
  public var checkpoint: TrainingCheckpoint {
    TrainingCheckpoint(
      configuration: configuration, progress: progress, state: step.state(),
      average: average?.values ?? [:], best: best ?? [:],
      slots: Dictionary(
        uniqueKeysWithValues: zip(step.parameters, updater.slots)),
      hooks: hooks.map(\.state))
  }

  /// Resumes a run from a checkpoint.
  ///
  /// - Throws: ``TrainingError/checkpoint(reason:)`` when it is of another network or
  ///   configuration.
  public func restore(_ checkpoint: TrainingCheckpoint) throws {
    func refuse(_ reason: String) -> TrainingError { .checkpoint(reason: reason) }
    guard checkpoint.configuration == configuration else {
      throw refuse("it was made with other settings")
    }
    guard checkpoint.hooks.count == hooks.count else { throw refuse("other hooks took part") }
    guard checkpoint.progress.totalSteps == progress.totalSteps else {
      throw refuse(
        "its run has \(checkpoint.progress.totalSteps) steps, this one \(progress.totalSteps)")
    }
    let current = step.state()
    for (name, tensor) in current where checkpoint.state[name]?.type != tensor.type {
      throw refuse("it has no value '\(name)' of type \(tensor.type)")
    }
    let slots = try step.parameters.map { name in
      guard let slots = checkpoint.slots[name] else {
        throw refuse("the optimiser's state of '\(name)' is missing")
      }
      return slots
    }
    guard zip(slots, updater.slots).allSatisfy({ $0.map(\.type) == $1.map(\.type) }) else {
      throw refuse("the optimiser's state has another shape")
    }
    step.set(checkpoint.state)
    updater.restore(slots)
    if let decay = configuration.averageDecay {
      average = WeightAverage(
        checkpoint.average, decay: decay, ramp: min(2000, Double(progress.totalSteps) / 10))
    }
    best = checkpoint.best.isEmpty ? nil : checkpoint.best
    for (hook, state) in zip(hooks, checkpoint.hooks) { hook.state = state }
    progress = checkpoint.progress
  }
}
