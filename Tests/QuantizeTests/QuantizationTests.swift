import Compression
import Execution
import GraphIR
import ObjectDetection
import Quantize
import Testing

/// The pipeline of quantisation, in process.
@Suite struct QuantizationTests {
  private let graph: Graph
  private let engine = Engine()
  private let images: CalibrationImages

  init() throws {
    graph = try TinyNetwork("yolov8n").graph
    images = try CalibrationImages(
      graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
  }

  @Test func aPlanReplaysAndIsWhatIsComputed() throws {
    let method = Quantization(engine: engine)
    let outcome = try method.run(on: graph, images: images)
    #expect(outcome.layers > 0 && outcome.images == 2)
    #expect(outcome.damages != nil)
    var prediction = try Prediction(images, engine: engine)
    prediction.claims = outcome.claims
    _ = try prediction.check(outcome.graph)
    let replayed = try method.run(on: graph, replaying: outcome.plan, images: images)
    #expect(replayed.graph == outcome.graph && replayed.images == 0)
  }

  @Test func namedNodesStayFloatForTheReasonThatIsGiven() throws {
    var configuration = Quantization.Configuration()
    configuration.mostDamage = .infinity
    let first = try #require(graph.nodes.first { $0.opType == "Conv" })
    configuration.excluded = [NamePattern(first.outputs[0])]
    configuration.reasons.excluded = "because"
    let outcome = try Quantization(configuration, engine: engine).run(on: graph, images: images)
    #expect(outcome.plan.kept.contains { $0.reason == "because" })
    #expect(outcome.damages == nil)
  }

  @Test func rangesNeedImages() throws {
    let noise = try CalibrationImages(graph, nil, count: 1, engine: engine)
    #expect(throws: QuantizationError.needsImages) {
      try Quantization(engine: engine).run(on: graph, images: noise)
    }
    var configuration = Quantization.Configuration()
    configuration.bitsMargin = 0.01
    #expect(throws: QuantizationError.needsLabels) {
      try Quantization(configuration, engine: engine).run(on: graph, images: images)
    }
  }
}
