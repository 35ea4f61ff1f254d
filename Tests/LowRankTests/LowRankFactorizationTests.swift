import Architectures
import Compression
import Execution
import GraphIR
import LowRank
import ObjectDetection
import Testing

/// The pipeline of low rank, in process.
@Suite struct LowRankFactorizationTests {
  private let graph: Graph
  private let engine = Engine()
  private let images: CalibrationImages

  init() throws {
    graph = try #require(Architecture.named("yolov8n")).build(
      ArchitectureOptions(classes: ["a", "b"], width: 0.25, depth: 0.34, imageSize: 64, seed: 3))
    images = try CalibrationImages(
      graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
  }

  private func method(_ target: RankTarget) -> LowRankFactorization {
    var configuration = LowRankFactorization.Configuration(target)
    (configuration.gain, configuration.multiple) = (.macs, 1)
    return LowRankFactorization(configuration, engine: engine)
  }

  @Test func aBudgetIsMetProvedAndReplayed() throws {
    let method = method(.macs(0.9))
    let outcome = try method.run(on: graph, images: images)
    #expect(outcome.isTargetMet && outcome.proof.holds)
    #expect(outcome.plan.rule == "target-macs=0.9")
    #expect(outcome.spectra.count == outcome.plan.layers.count)
    #expect(outcome.corrections.count == outcome.plan.layers.count)
    #expect(outcome.corrections.allSatisfy { $0.errorAfter <= $0.errorBefore + 1e-6 })
    _ = try outcome.prediction.check(outcome.graph)
    let costs = try [graph, outcome.graph].map { try engine.cost(of: $0).macs }
    #expect(Double(costs[1]) <= 0.9 * Double(costs[0]))
    let replayed = try method.run(on: graph, replaying: outcome.plan, images: images)
    #expect(replayed.graph == outcome.graph)
  }

  @Test(arguments: [
    ("svd", "ratio=0.4"), ("spatial-svd", "ratio=0.4"), ("channel-svd", "ratio=0.4"),
    ("tucker", "ratio=0.4"), ("cp", "ratio=0.4"), ("response-svd", "ratio=0.4"),
    ("depthwise-separable", "1"), ("group", "2"),
  ])
  func everyMethodFactorises(name: String, rank: String) throws {
    var configuration = LowRankFactorization.Configuration(.rule(try #require(RankRule(rank))))
    configuration.methods = [try #require(LowRankMethod.named(name))]
    (configuration.gain, configuration.multiple) = (.macs, 1)
    (configuration.iterations, configuration.starts) = (10, 1)
    configuration.excluded = [NamePattern("*backbone*")]
    let outcome = try LowRankFactorization(configuration, engine: engine).run(
      on: graph, images: images)
    #expect(outcome.proof.holds)
    #expect(!outcome.plan.layers.isEmpty && outcome.plan.layers.allSatisfy { $0.method == name })
    _ = try outcome.prediction.check(outcome.graph)
  }

  @Test func threadsDoNotMatter() throws {
    var configuration = LowRankFactorization.Configuration(.macs(0.8))
    configuration.methods = [.svd, .spatialSVD, .tucker]
    (configuration.gain, configuration.multiple) = (.macs, 1)
    let outcomes = try [1, 3].map { threads in
      let engine = Engine(threads: threads)
      let images = try CalibrationImages(
        graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
      return try LowRankFactorization(configuration, engine: engine).run(on: graph, images: images)
    }
    #expect(outcomes[0].plan == outcomes[1].plan && outcomes[0].graph == outcomes[1].graph)
  }

  @Test func aPlanAltersNothing() throws {
    let rule = try #require(RankRule("ratio=0.5"))
    let (plan, isMet) = try method(.rule(rule)).plan(for: graph, images: images)
    #expect(isMet && !plan.layers.isEmpty && plan.rule == "ratio=0.5")
  }

  @Test func withoutImagesNothingIsRefitted() throws {
    let noise = try CalibrationImages(graph, nil, count: 1, engine: engine)
    let outcome = try method(.sparsity(0.05)).run(on: graph, images: noise)
    #expect(outcome.ranOnNoise && outcome.corrections.isEmpty)
    var configuration = LowRankFactorization.Configuration(.macs(0.9))
    configuration.methods = [.responseSVD]
    #expect(throws: LowRankError.needsImages(method: "response-svd")) {
      try LowRankFactorization(configuration, engine: engine).run(on: graph, images: noise)
    }
  }
}
