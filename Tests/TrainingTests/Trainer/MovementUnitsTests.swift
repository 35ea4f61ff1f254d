import Operators
import ObjectDetection
import Execution
import GraphIR
import Tensors
import TestSupport
import Testing
import Training

@Suite struct MovementUnitsTests {
  /// The network after one step.
  private func trained(_ hooks: [any TrainingHook]) throws -> Graph {
    var configuration = TrainingConfiguration()
    (configuration.epochs, configuration.batchSize, configuration.warmupEpochs) = (1, 4, 0)
    configuration.optimizer = "adamw"
    let trainer = try Trainer(
      TinyProblem.network(), objective: TinyProblem.Objective(),
      parameters: TinyProblem.parameters, source: TinyProblem.Source(),
      imageSize: (TinyProblem.size, TinyProblem.size), configuration: configuration,
      engine: Engine(),
      hooks: hooks)
    _ = try trainer.run { _ in
      nil
    } observe: { event in
      if case .batch = event { return .stop }
      return .proceed
    }
    return trainer.current
  }

  @Test func aStepIsAsLongAsItsUnitSays() throws {
    let start = TinyProblem.network()
    let halves = [Float](repeating: 0.5, count: 5)
    let plain = try trained([])
    let scaled = try trained([
      MovementUnits(["w1": halves + [0], "w2": [2]], for: start, registry: .standard)
    ])
    func floats(_ graph: Graph, _ name: String) throws -> [Float] {
      try #require(graph[constant: name]?.floats)
    }
    for (name, unit) in [("w1", Float(0.5)), ("w2", 2)] {
      let (old, free, own) = (
        try floats(start, name), try floats(plain, name), try floats(scaled, name)
      )
      #expect(free != old)
      for index in old.indices {
        let stays = name == "w1" && index / (old.count / 6) == 5
        let expected = old[index] + (stays ? 0 : unit) * (free[index] - old[index])
        #expect(abs(own[index] - expected) < 1e-6)
      }
    }
  }

  @Test func otherWeightsMoveInUnitsOfTheirLargest() throws {
    let start = TinyProblem.network()
    let largest = try #require(start[constant: "w2"]?.floats.map(abs).max())
    let known = try trained([
      MovementUnits(["w1": [1], "w2": [largest]], for: start, registry: .standard)
    ])
    let found = try trained([MovementUnits(["w1": [1]], for: start, registry: .standard)])
    #expect(found[constant: "w2"] == known[constant: "w2"])
  }
}
