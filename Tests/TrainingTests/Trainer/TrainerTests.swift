import Foundation
import GraphIR
import Tensors
import Testing

import Training

@Suite struct TrainerTests {
  @Test(arguments: Optimizer.names)
  func theLossFalls(optimizer: String) throws {
    let trainer = try TinyProblem.trainer {
      $0.epochs = 12
      $0.optimizer = optimizer
    }
    #expect(try trainer.run() == .completed)
    let losses = trainer.progress.history.map { $0.losses[0] }
    #expect(losses.count == 12)
    #expect(losses[11] < losses[0] * 0.6, "\(losses)")
  }

  @Test(arguments: ["sgd", "adamw"], [1, 2])
  func aResumedRunEndsLikeAnUninterruptedOne(optimizer: String, accumulation: Int) throws {
    let configure: (inout TrainingConfiguration) -> Void = {
      $0.optimizer = optimizer
      $0.accumulation = accumulation
    }
    func score(_ graph: Graph) -> (score: Double, metrics: [String: Double]) {
      (Double(graph.initializers["b2"]?.tensor.floats[0] ?? 0), [:])
    }
    let whole = try TinyProblem.trainer(configure)
    #expect(try whole.run(validate: score) == .completed)

    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "checkpoint.onnx")
    let broken = try TinyProblem.trainer(configure)
    var seen = 0
    let end = try broken.run(validate: score) { event in
      seen += 1
      return seen == 9 ? .stop : .proceed
    }
    #expect(end == .stopped)
    try broken.checkpoint.save(to: file)

    let resumed = try TinyProblem.trainer(configure)
    try resumed.restore(TrainingCheckpoint(contentsOf: file))
    #expect(try resumed.run(validate: score) == .completed)
    #expect(resumed.current == whole.current)
    #expect(resumed.bestModel == whole.bestModel)
    #expect(resumed.progress.history.map(\.losses) == whole.progress.history.map(\.losses))
  }

  @Test func theResultIsTheSameOnAnyNumberOfThreads() throws {
    let one = try TinyProblem.trainer(threads: 1)
    let three = try TinyProblem.trainer(threads: 3)
    _ = try one.run()
    _ = try three.run()
    #expect(one.current == three.current)
  }

  @Test func accumulatedBatchesAreOneStepOfTheirMeanGradient() throws {
    let trainer = try TinyProblem.trainer { $0.accumulation = 2 }
    _ = try trainer.run()
    // Five batches an epoch make three steps, the last of one batch.
    #expect(trainer.progress.step == 12)
    #expect(trainer.progress.totalSteps == 12)
  }

  @Test func aLossThatIsNotANumberStopsTrainingWithTheBestModelKept() throws {
    let objective = TinyProblem.Objective()
    objective.spoiledAfter = 12
    let trainer = try TinyProblem.trainer(objective: objective)
    let end = try trainer.run(validate: { _ in (1, [:]) })
    #expect(end == .diverged(epoch: 3, step: 13))
    #expect(trainer.progress.bestEpoch == 1)
    let kept = try #require(trainer.bestModel.initializers["w1"]?.tensor)
    let isFinite = kept.floats.allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(kept != trainer.current.initializers["w1"]?.tensor)
  }

  @Test func aHugeLearningRateIsToldFromLearning() throws {
    let trainer = try TinyProblem.trainer {
      $0.learningRate = 1e30
      $0.clipNorm = nil
      $0.warmupEpochs = 0
    }
    guard case .diverged = try trainer.run() else {
      Issue.record("did not diverge")
      return
    }
  }

  @Test func trainingEndsWhenPatienceDoes() throws {
    let trainer = try TinyProblem.trainer {
      $0.epochs = 20
      $0.patience = 3
    }
    #expect(try trainer.run(validate: { _ in (0.5, [:]) }) == .outOfPatience)
    #expect(trainer.progress.epoch == 4)
  }

  @Test func runningStatisticsFollowTheBatches() throws {
    let trainer = try TinyProblem.trainer { $0.averageDecay = nil }
    _ = try trainer.run()
    let before = TinyProblem.network()
    let after = trainer.current
    #expect(after.initializers["m"]?.tensor != before.initializers["m"]?.tensor)
    #expect(after.initializers["v"]?.tensor != before.initializers["v"]?.tensor)
  }

  @Test func frozenNormalisationsKeepTheirStatistics() throws {
    let trainer = try TinyProblem.trainer { $0.freezesNormalization = true }
    _ = try trainer.run()
    #expect(trainer.current.initializers["m"] == TinyProblem.network().initializers["m"])
    #expect(trainer.current.initializers["w1"] != TinyProblem.network().initializers["w1"])
  }

  @Test func aCheckpointOfOtherSettingsIsRefused() throws {
    let first = try TinyProblem.trainer()
    let second = try TinyProblem.trainer { $0.learningRate = 0.01 }
    #expect(throws: TrainingError.checkpoint(reason: "it was made with other settings")) {
      try second.restore(first.checkpoint)
    }
  }

  @Test func warmUpRisesToTheRateAndTheScheduleEndsAtItsFactor() throws {
    let trainer = try TinyProblem.trainer { $0.epochs = 40 }
    #expect(abs(trainer.learningRate(at: 0) - 0.05 / 5) < 1e-12)
    #expect(trainer.learningRate(at: 5) > 0.0495)
    #expect(trainer.learningRate(at: 199) < 0.05 * 0.011)
  }
}
