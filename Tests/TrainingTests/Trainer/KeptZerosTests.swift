import Operators
import ObjectDetection
import Execution
import GraphIR
import Tensors
import TestSupport
import Testing
import Training

@Suite struct KeptZerosTests {
  @Test func zerosStayAndTheRestLearns() throws {
    let hook = KeptZeros(parameters: TinyProblem.parameters)
    var model = TinyProblem.network()
    let old = try #require(model.initializers["w1"]?.tensor.floats)
    let sparse = old.enumerated().map { $0.offset % 3 == 0 ? 0 : $0.element }
    model.setConstants(["w1": Tensor(sparse, shape: [6, 3, 3, 3])])
    var configuration = TrainingConfiguration()
    (configuration.epochs, configuration.batchSize) = (2, 4)
    let trainer = try Trainer(
      model, objective: TinyProblem.Objective(), parameters: TinyProblem.parameters,
      source: TinyProblem.Source(), imageSize: (TinyProblem.size, TinyProblem.size),
      configuration: configuration, engine: Engine(), hooks: [hook])
    _ = try trainer.run()
    let new = try #require(trainer.current.initializers["w1"]?.tensor.floats)
    #expect(zip(sparse, new).allSatisfy { ($0 == 0) == ($1 == 0) })
    #expect(new != sparse)
    // A third of w1's 162 weights, and none of w2's 12.
    #expect(hook.sparsity == 54.0 / 174)
  }
}
