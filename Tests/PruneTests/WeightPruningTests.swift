import Compression
import Execution
import GraphIR
import ObjectDetection
import Prune
import Testing

/// The pipeline of weights, in process.
@Suite struct WeightPruningTests {
  private let graph: Graph
  private let engine = Engine()

  init() throws { graph = try ChannelCouplingTests.load("yolov8n") }

  private func request(_ criterion: WeightCriterion) -> PruningRequest {
    var request = PruningRequest()
    (request.criterion, request.sparsity) = (criterion, 0.4)
    if criterion.needsImages { request.scope = .local }
    return request
  }

  @Test func aPlanRunsAndReplays() throws {
    let method = WeightPruning(.init(request(.magnitude)), engine: engine)
    let outcome = try method.run(on: graph)
    #expect(outcome.plan == (try method.plan(for: graph)))
    #expect(outcome.graph != graph)
    #expect(outcome.predicted != nil && outcome.layers == nil && outcome.trainer == nil)
    #expect(try method.run(on: graph, replaying: outcome.plan).graph == outcome.graph)
    var prediction = try #require(Prediction.onNoise(graph, engine: engine))
    prediction.claims = [
      .init(what: "zeroing", expected: try #require(outcome.predicted))
    ]
    _ = try prediction.check(outcome.graph)
    #expect(throws: CompressionError.self) { try prediction.check(graph) }
  }

  @Test func secondOrderLooksAtImages() throws {
    let method = WeightPruning(.init(request(.secondOrder)), engine: engine)
    let images = try CalibrationImages(
      graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
    let outcome = try method.run(on: graph, images: images)
    let refits = try #require(outcome.layers)
    #expect(!refits.isEmpty)
    #expect(refits.allSatisfy { $0.error <= $0.errorUnfitted + 1e-6 })
    let again = try method.run(on: graph, replaying: outcome.plan, images: images)
    #expect(again.graph == outcome.graph)
    let noise = try CalibrationImages(graph, nil, count: 2, engine: engine)
    for none in [nil, noise] {
      #expect(throws: PruningError.needsImages(method: "obs")) {
        try method.plan(for: graph, images: none)
      }
    }
  }

  @Test func theDistanceTellsHowMuchIsLeft() throws {
    let images = try CalibrationImages(
      graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
    var distances: [Double] = []
    for sparsity in [0, 0.1, 0.9] {
      var request = request(.magnitude)
      request.sparsity = sparsity
      let method = WeightPruning(.init(request), engine: engine)
      distances.append(
        try method.distance(of: method.run(on: graph).graph, from: graph, images: images))
    }
    #expect(distances[0] == 0 && distances[1] > 0, "\(distances)")
    #expect(distances[1] < distances[2])
  }

  @Test func nothingIsRefittedWhereNothingBecomesZero() throws {
    var request = request(.secondOrder)
    request.sparsity = 0
    let method = WeightPruning(.init(request), engine: engine)
    #expect(try method.run(on: graph).graph == graph)
  }

  @Test func gradientsNeedImagesToLearnFrom() throws {
    let method = WeightPruning(.init(request(.taylor)), engine: engine)
    #expect(throws: (any Error).self) { try method.run(on: graph) }
  }
}
