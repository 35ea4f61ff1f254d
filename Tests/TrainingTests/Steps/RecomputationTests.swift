import Operators
import ObjectDetection
import Execution
import Architectures
import GraphIR
import Tensors
import TestSupport
import Testing
import Training

/// Computing activations again is for memory alone: the gradients stay as they are.
@Suite struct RecomputationTests {
  /// A network, the values whose gradients a loss gives, and the side of its images.
  struct Subject: Sendable {
    var model: Graph
    var taps: [String]
    var size: Int

    static func builtIn(_ architecture: String) throws -> Subject {
      let options = ArchitectureOptions(
        classes: ["a", "b"], width: 0.25, depth: 0.34, imageSize: 96, seed: 1)
      let model = try #require(Architecture.named(architecture)).build(options)
      return Subject(model: model, taps: model.outputs.map(\.name), size: 96)
    }
  }

  /// The gradients and running statistics of one step on seeded images, and the memory it takes.
  private static func run(_ subject: Subject, recomputes: Bool, threads: Int) throws
    -> (values: [String: [Float]], bytes: Int)
  {
    var options = TrainingStep.Options(
      batchSize: 4, imageSize: (subject.size, subject.size),
      engine: Engine(threads: threads))
    options.recomputes = recomputes
    let step = try TrainingStep(
      subject.model, taps: subject.taps,
      parameters: TrainableParameter.all(in: subject.model, registry: .standard).map(\.name),
      options: options)
    var random = CounterRandom(seed: 5)
    for index in step.images.indices { step.images[index] = .random(in: 0..<1, using: &random) }
    try step.forward()
    for map in step.maps {
      for index in 0..<map.shape.reduce(1, *) {
        map.gradient[index] = .random(in: -1...1, using: &random)
      }
    }
    try step.backward()
    step.updateStatistics()
    var values: [String: [Float]] = [:]
    for (index, name) in step.parameters.enumerated() {
      values[name] = Array(try #require(step.gradient(of: index)))
    }
    for (index, name) in step.statistics.enumerated() {
      values[name] = Array(step.values(ofStatistic: index))
    }
    return (values, step.arenaBytes)
  }

  @Test(arguments: Architecture.all.map(\.name))
  func gradientsAreTheSameBitForBitInLessMemory(architecture: String) throws {
    let subject = try Subject.builtIn(architecture)
    let kept = try Self.run(subject, recomputes: false, threads: 2)
    let again = try Self.run(subject, recomputes: true, threads: 1)
    #expect(kept.values.count > 50)
    #expect(kept.values == again.values)
    #expect(
      Double(again.bytes) < 0.75 * Double(kept.bytes),
      "\(again.bytes) against \(kept.bytes) bytes")
  }

  /// A residual connection over the whole network and an output in its middle cross every cut.
  @Test func valuesThatCrossSegmentsAreKept() throws {
    var nodes: [Node] = []
    var value = "x"
    for index in 0..<12 {
      nodes.append(Node("Mul", inputs: [value, "w"], outputs: ["m\(index)"]))
      nodes.append(Node("Sigmoid", inputs: ["m\(index)"], outputs: ["s\(index)"]))
      nodes.append(Node("Add", inputs: ["s\(index)", "m0"], outputs: ["a\(index)"]))
      value = "a\(index)"
    }
    var model = Graph(
      nodes: nodes,
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [4, 3, 96, 96])))],
      outputs: ["a5", value].map { ValueInfo(name: $0, type: .undeclared) })
    model.properties.opsets = ["": 13]
    model[constant: "w"] = Tensor([0.5, 1, 2] as [Float], shape: [1, 3, 1, 1])
    let step = { (recomputes: Bool) throws -> ([Float], Int) in
      var options = TrainingStep.Options(batchSize: 4, imageSize: (96, 96), engine: Engine())
      options.recomputes = recomputes
      let step = try TrainingStep(
        model, taps: ["a5", value], parameters: ["w"], options: options)
      for index in step.images.indices { step.images[index] = Float(index % 7) / 7 }
      try step.forward()
      for map in step.maps { map.gradient.update(repeating: 1, count: map.shape.reduce(1, *)) }
      try step.backward()
      return (Array(try #require(step.gradient(of: 0))), step.arenaBytes)
    }
    let (kept, again) = (try step(false), try step(true))
    #expect(kept.0 == again.0)
    #expect(kept.0.allSatisfy { $0 != 0 })
    #expect(again.1 < kept.1)
  }
}
