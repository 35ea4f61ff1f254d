import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Tensors
import Testing
import Training

@Suite struct GradualPruningTests {
  // MARK: Schedules

  @Test func theCubicScheduleIsThatOfThePaper() {
    let schedule = SparsitySchedule.agp(initial: 0.1, begin: 0.2, end: 0.8)
    #expect(schedule.sparsity(0.1, 0.9) == 0)
    #expect(abs(schedule.sparsity(0.2, 0.9) - 0.1) < 1e-12)
    // Half way: 0.9 + (0.1 − 0.9)·(1 − ½)³.
    #expect(abs(schedule.sparsity(0.5, 0.9) - 0.8) < 1e-12)
    #expect(schedule.sparsity(0.8, 0.9) == 0.9)
    #expect(schedule.sparsity(1, 0.9) == 0.9)
  }

  @Test func iterativeRoundsTakeTheSameFractionOfWhatIsLeft() {
    let schedule = SparsitySchedule.iterative(rounds: 3)
    let kept = [0, 0.34, 0.67].map { 1 - schedule.sparsity($0, 0.875) }
    for (value, expected) in zip(kept, [0.5, 0.25, 0.125]) {
      #expect(abs(value - expected) < 1e-12)
    }
  }

  @Test func everyScheduleEndsAtTheFinalSparsityAndNeverFalls() {
    for schedule in SparsitySchedule.all {
      let values = (0...100).map { schedule.sparsity(Double($0) / 100, 0.75) }
      #expect(abs(values[100] - 0.75) < 1e-12, "\(schedule.name)")
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 + 1e-12 }, "\(schedule.name)")
    }
  }

  // MARK: Masks in training

  @Test(arguments: SparsitySchedule.all.map(\.name), ["sgd", "adamw"])
  func masksStayExactThroughEveryStep(schedule name: String, optimizer: String) throws {
    let schedule = try #require(SparsitySchedule.named(name))
    let trainer = try Problem.trainer(schedule: schedule, optimizer: optimizer)
    var zeros: Set<Int> = []
    let end = try trainer.trainer.run(observe: { event in
      guard case .batch = event else { return .proceed }
      let weights = try #require(trainer.trainer.checkpoint.state["w2"]).floats
      let now = Set(weights.indices.filter { weights[$0] == 0 })
      #expect(zeros.isSubset(of: now))
      zeros = now
      return .proceed
    })
    #expect(end == .completed)
    #expect(trainer.pruning.failure == nil)
    // 0.75 of the 6·6·3·3 weights between the ends.
    #expect(zeros.count == 243)
    let averaged = try #require(trainer.trainer.current.initializers["w2"]?.tensor.floats)
    #expect(Set(averaged.indices.filter { averaged[$0] == 0 }) == zeros)
    let plan = try trainer.pruning.plan(for: trainer.trainer.current)
    #expect(plan.zeros == 243 && plan.sparsity == 0.75 && plan.schedule == name)
  }

  @Test(arguments: WeightCriterion.all.map(\.name))
  func everyCriterionReachesTheSparsity(method: String) throws {
    let criterion = try #require(WeightCriterion.named(method))
    let trainer = try Problem.trainer(schedule: .agp(), criterion: criterion)
    _ = try trainer.trainer.run()
    #expect(trainer.pruning.sparsity == 0.75)
  }

  @Test func aResumedRunHasTheSameMasks() throws {
    for criterion in [WeightCriterion.magnitude, .taylor] {
      let whole = try Problem.trainer(schedule: .agp(), criterion: criterion)
      _ = try whole.trainer.run()
      let broken = try Problem.trainer(schedule: .agp(), criterion: criterion)
      var seen = 0
      _ = try broken.trainer.run(observe: { _ in
        seen += 1
        return seen == 11 ? .stop : .proceed
      })
      let resumed = try Problem.trainer(schedule: .agp(), criterion: criterion)
      try resumed.trainer.restore(broken.trainer.checkpoint)
      _ = try resumed.trainer.run()
      #expect(resumed.trainer.current == whole.trainer.current)
    }
  }

  @Test func aCriterionThatNeedsGradientsSaysSo() throws {
    var request = PruningRequest()
    request.criterion = .taylor
    #expect(throws: PruningError.needsGradients(method: "taylor")) {
      try request.plan(for: Problem.network, registry: .standard)
    }
  }

  @Test func aPlanOfTrainingCannotBeReplayed() throws {
    let trained = try Problem.trainer(schedule: .oneShot)
    _ = try trained.trainer.run()
    let plan = try trained.pruning.plan(for: trained.trainer.current)
    #expect(throws: PruningError.notReplayable(method: "magnitude")) {
      try plan.applied(to: trained.trainer.current, registry: .standard)
    }
  }
}

/// Three convolutions that learn a fixed function of random images.
private enum Problem {
  static let size = 8

  static let network: Graph = {
    var random = CounterRandom(seed: 3)
    func weight(_ shape: [Int]) -> Initializer {
      Initializer(
        Tensor(
          (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.4...0.4, using: &random) },
          shape: shape))
    }
    var graph = Graph(
      nodes: [
        Node("Conv", name: "c1", inputs: ["x", "w1"], outputs: ["a"]),
        Node("Relu", name: "r1", inputs: ["a"], outputs: ["h"]),
        Node(
          "Conv", name: "c2", inputs: ["h", "w2"], outputs: ["b"],
          attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("Relu", name: "r2", inputs: ["b"], outputs: ["k"]),
        Node("Conv", name: "c3", inputs: ["k", "w3"], outputs: ["y"]),
      ],
      inputs: [
        ValueInfo(
          name: "x",
          type: .tensor(.float32, shape: [.symbolic("N"), .fixed(3), .fixed(size), .fixed(size)]))
      ],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.initializers = [
      "w1": weight([6, 3, 1, 1]), "w2": weight([6, 6, 3, 3]), "w3": weight([1, 6, 1, 1]),
    ]
    return graph
  }()

  final class Objective: TrainingObjective {
    let taps = ["y"]
    let partNames = ["square"]

    func evaluate(_ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool) -> LossValue {
      let map = maps[0]
      let pixels = size * size
      let total = map.shape.reduce(1, *)
      var loss = 0.0
      for index in 0..<total {
        let (image, pixel) = index.quotientAndRemainder(dividingBy: pixels)
        let error = map.values[index] - batch.images[(image * 3 + 1) * pixels + pixel]
        loss += Double(error * error) / 2
        map.gradient[index] += error / Float(total)
      }
      return LossValue(parts: [loss / Double(total)])
    }
  }

  struct Source: BatchSource {
    let batchesPerEpoch = 5

    func batch(epoch: Int, index: Int) -> TrainingBatch {
      var random = CounterRandom(seed: 5, stream: UInt64(epoch * 100 + index))
      return TrainingBatch(
        images: (0..<2 * 3 * size * size).map { _ in Float.random(in: 0..<1, using: &random) },
        targets: [[], []])
    }
  }

  static func trainer(
    schedule: SparsitySchedule, criterion: WeightCriterion = .magnitude, optimizer: String = "sgd"
  ) throws -> (trainer: Trainer, pruning: GradualPruning) {
    var request = PruningRequest()
    request.criterion = criterion
    request.sparsity = 0.75
    let pruning = try GradualPruning(
      request, schedule: schedule, frequency: 2, graph: network, registry: .standard)
    var configuration = TrainingConfiguration()
    configuration.epochs = 4
    configuration.batchSize = 2
    configuration.optimizer = optimizer
    let parameters = ["w1", "w2", "w3"].map { TrainableParameter(name: $0, role: .weight) }
    let trainer = try Trainer(
      network, objective: Objective(), parameters: parameters, source: Source(),
      imageSize: (size, size), configuration: configuration, engine: Engine(), hooks: [pruning])
    return (trainer, pruning)
  }
}
