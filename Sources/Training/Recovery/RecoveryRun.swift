import Execution
import Foundation
import GraphIR
import ObjectDetection
import Tensors

/// One recovery: tries candidates for its steps, goes on with the best, and keeps the best state.
final class RecoveryRun {
  private let material: RecoveryMaterial
  private let configuration: Recovery.Configuration
  private let hooks: [any TrainingHook]
  private let engine: Engine
  private let parameters: [TrainableParameter]
  private var log: RecoveryLog
  private var clock: RecoveryClock
  /// The state of the best distance; empty for the start.
  private var best: (distance: Double, state: [String: Tensor])

  /// The network prepared for steps, and the point before any.
  private var prepared: (step: TrainingStep, first: Point)?

  /// Where training stands between steps.
  private struct Point {
    var measuring: Bool
    var state: [String: Tensor]
    var updater: ParameterUpdater
    /// Batches whose gradients the optimiser has seen.
    var batches = 0
    /// Steps that moved parameters.
    var steps = 0
  }

  /// Measures the start.
  init(
    _ material: RecoveryMaterial, _ configuration: Recovery.Configuration,
    hooks: [any TrainingHook], engine: Engine
  ) throws {
    (self.material, self.configuration, self.engine) = (material, configuration, engine)
    parameters = TrainableParameter.all(in: material.compressed, registry: engine.registry)
    self.hooks = hooks
    log = material.log
    log.distanceBefore = try material.distance.of(material.compressed)
    best = (log.distanceBefore, [:])
    clock = RecoveryClock(configuration.limit)
    engine.progress.notice(
      "recovery on \(log.images) images, \(log.heldBack) held back: distance "
        + "\(RecoveryLog.text(log.distanceBefore)) from the original")
  }

  /// Trains to the end of the limit, or until nothing improves.
  func recover() throws -> Recovery.Outcome {
    if var point = try choose(), clock.part < 1 { try goOn(&point) }
    log.distanceAfter = best.distance
    (log.steps, log.minutes) = (clock.steps, clock.minutes)
    return Recovery.Outcome(graph: material.network(best.state), log: log)
  }

  // MARK: Candidates

  /// Tries candidates, each from the start, and returns where the best of them ended; `nil` where
  /// the loss of all is not finite.
  ///
  /// From the middle one, learning rates are tried upwards as long as that is better, else
  /// downwards. Statistics of normalisations are tried last.
  private func choose() throws -> Point? {
    let rates = configuration.learningRates.sorted()
    var found: (trial: RecoveryTrial, point: Point)?
    var length: Int?
    func attempt(_ rate: Double, measuring: Bool = false) throws -> Bool {
      let (trial, point) = try self.trial(rate, measuring: measuring, length: length)
      log.trials.append(trial)
      if trial.distance.isFinite { length = point.steps }
      guard trial.distance < found?.trial.distance ?? .infinity else { return false }
      found = (trial, point)
      return true
    }
    let middle = rates.count / 2
    if rates.indices.contains(middle) {
      _ = try attempt(rates[middle])
      var isUp = false
      for rate in rates[(middle + 1)...] {
        guard try attempt(rate) else { break }
        isUp = true
      }
      if !isUp {
        for rate in rates[..<middle].reversed() { guard try attempt(rate) else { break } }
      }
    }
    if let rate = found?.trial.learningRate, !material.compressed.runningStatistics.isEmpty {
      _ = try attempt(rate, measuring: true)
    }
    log.chosen = found?.trial
    guard let found, found.trial.distance >= log.distanceBefore else { return found?.point }
    // Where no trial came nearer, its steps serve as an estimate alone.
    return try beginning(measuring: found.trial.measuresNormalization).first
  }

  /// Trains for a short while from the start, the learning rate falling to nothing.
  ///
  /// - Parameter length: So many steps; `nil` for the trial's part of the limit.
  private func trial(
    _ rate: Double, measuring: Bool, length: Int?
  ) throws -> (RecoveryTrial, Point) {
    let (step, first) = try beginning(measuring: measuring)
    step.set(first.state)
    var point = first
    let (begin, part) = (clock.part, max(configuration.trialPart, 1e-9))
    func time() -> Double {
      length.map { Double(point.steps) / Double($0) } ?? (clock.part - begin) / part
    }
    let fall = LearningRateSchedule.cosine()
    var isFinite = true
    repeat {
      let rise = min(1, (time() + 0.02) / Self.rise)
      isFinite = try advance(&point, step, rate: rate * rise * fall.factor(min(time(), 1)))
    } while isFinite && time() < 1 - 1e-9
    point.state = step.state()
    var trial = RecoveryTrial(
      learningRate: rate, measuresNormalization: measuring, distance: .infinity)
    if isFinite { trial.distance = try material.distance.of(material.network(point.state)) }
    keep(trial.distance, point.state)
    let way = measuring ? ", statistics measured" : ""
    engine.progress.notice(
      "recovery: \(point.steps) steps at learning rate \(rate)\(way): distance "
        + "\(RecoveryLog.text(trial.distance))")
    return (trial, point)
  }

  /// The network prepared for steps, and the point before any.
  ///
  /// Only one network is held in memory. The optimiser has seen the gradients of a few batches. Its
  /// first step would move every parameter alike, whatever its gradient, and do more harm than the
  /// next ones make good.
  private func beginning(measuring: Bool) throws -> (step: TrainingStep, first: Point) {
    if let prepared, prepared.first.measuring == measuring { return prepared }
    prepared = nil
    var options = TrainingStep.Options(
      batchSize: configuration.batchSize, imageSize: material.imageSize, engine: engine)
    options.normalization = measuring ? .batch(momentum: Self.momentum) : .frozen
    let step = try TrainingStep(
      material.compressed, taps: material.matching.taps, parameters: parameters.map(\.name),
      options: options)
    guard !step.parameters.isEmpty else { throw TrainingError.nothingToTrain }
    for hook in hooks { hook.willTrain(step, at: TrainingProgress()) }
    var first = Point(
      measuring: measuring, state: step.state(),
      updater: ParameterUpdater(
        step, optimizer: .adamW(), decays: step.parameters.map { _ in 0 }, clipNorm: Self.clip,
        accumulation: 1))
    for _ in 0..<Self.firstLooks { _ = try update(&first, step, rate: 0) }
    prepared = (step, first)
    return (step, first)
  }

  /// The batches whose gradients the optimiser sees before its first step.
  private static let firstLooks = 4
  /// The part of a trial in which the learning rate rises.
  private static let rise = 0.3
  /// The weight of a batch in the running statistics.
  private static let momentum: Float = 0.1
  /// The largest norm of all gradients together.
  private static let clip = 10.0

  // MARK: Steps

  /// Takes one step; returns whether loss and gradients were finite.
  private func advance(
    _ point: inout Point, _ step: TrainingStep, rate: Double
  ) throws -> Bool {
    guard try update(&point, step, rate: rate) else { return false }
    point.steps += 1
    clock.tick()
    return true
  }

  /// Moves the parameters by the gradients of the next batch; returns whether all was finite.
  private func update(
    _ point: inout Point, _ step: TrainingStep, rate: Double
  ) throws -> Bool {
    let (epoch, index) = point.batches.quotientAndRemainder(
      dividingBy: material.loader.batchesPerEpoch)
    let images = try material.loader.batch(epoch: epoch, index: index).images
    _ = step.images.update(fromContentsOf: images)
    try step.forward()
    let batch = TrainingBatch(images: images, targets: [])
    let loss = try material.matching.evaluate(step.maps, on: batch, pool: step.pool)
    guard loss.total.isFinite else { return false }
    try step.backward()
    step.updateStatistics()
    let isFinite = point.updater.update(
      step, count: point.batches, learningRate: Float(rate)
    ) {
      for hook in hooks { hook.willUpdate(step, at: TrainingProgress()) }
    }
    guard isFinite else { return false }
    for hook in hooks { hook.didUpdate(step, at: TrainingProgress()) }
    point.batches += 1
    return true
  }

  /// Trains on with a rate that falls to nothing at the limit.
  private func goOn(_ point: inout Point) throws {
    guard let rate = log.chosen?.learningRate else { return }
    let trialSteps = clock.steps / max(log.trials.count, 1)
    let first = clock.part
    let whole = max(1 - first, 1e-9)
    func time() -> Double { (clock.part - first) / whole }
    let horizon = max(Double(trialSteps) / 2, Self.leastHorizon)
    let (step, _) = try beginning(measuring: point.measuring)
    step.set(point.state)
    var average = WeightAverage(point.state, decay: 1 - 1 / horizon, ramp: 1)
    let fall = LearningRateSchedule.cosine()
    var (mark, misses, taken) = (0, 0, 0)
    while time() < 1 - 1e-9 {
      let rise = min(1, Double(taken + 1) / (Double(trialSteps) / 4 + 1))
      guard try advance(&point, step, rate: rate * rise * fall.factor(min(time(), 1)))
      else { break }
      taken += 1
      average.update(step, count: taken)
      let reached = Int(time() * Double(configuration.measurements) + 1e-9)
      guard reached > mark else { continue }
      mark = reached
      misses = try measure(average, at: point.steps) ? 0 : misses + 1
      if misses >= configuration.patience { break }
    }
    let last = step.state()
    keep(try material.distance.of(material.network(last)), last)
  }

  /// The fewest steps that an average of weights reaches back.
  private static let leastHorizon = 10.0

  // MARK: States

  /// Measures averaged weights; returns whether they are the best so far.
  private func measure(_ average: WeightAverage, at steps: Int) throws -> Bool {
    var state = average.values
    for hook in hooks { hook.constrain(&state) }
    let distance = try material.distance.of(material.network(state))
    log.history.append(.init(step: steps, distance: distance))
    let isBest = keep(distance, state)
    let left = clock.minutesLeft.map { ", \(RecoveryLog.clock($0)) left" } ?? ""
    engine.progress.notice(
      "recovery: step \(steps), distance \(RecoveryLog.text(distance)), best "
        + "\(RecoveryLog.text(best.distance))\(left)")
    return isBest
  }

  /// Keeps a state that is nearer than all before.
  @discardableResult
  private func keep(_ distance: Double, _ state: [String: Tensor]) -> Bool {
    guard distance < best.distance else { return false }
    best = (distance, state)
    return true
  }
}
