import Compression
import Execution
import GraphIR
import ObjectDetection
import Prune
import Synchronization
import Testing

/// The pipeline of channels, in process.
@Suite struct ChannelPruningTests {
  private let graph: Graph
  private let engine = Engine()
  private let images: CalibrationImages

  init() throws {
    graph = try ChannelCouplingTests.load("yolov8n")
    images = try CalibrationImages(
      graph, .deadLeaves(count: 2, seed: 3, size: 64), count: 2, engine: engine)
  }

  @Test(arguments: ["l1", "apoz", "lasso"])
  func whatIsPlannedIsCut(name: String) throws {
    let criterion = try #require(ChannelCriterion.named(name))
    let method = ChannelPruning(criterion: criterion, target: .macs(0.8), engine: engine)
    let plan = try method.plan(for: graph, images: images)
    #expect(plan.isTargetMet)
    let outcome = try method.run(on: graph, images: images)
    #expect(outcome.plan == plan.plan)
    #expect(outcome.proof.holds)
    #expect(outcome.reconstruction.isEmpty == (name != "lasso"))
    _ = try outcome.prediction.check(outcome.graph)
    let replayed = try method.apply(plan.plan, to: graph, images: images)
    #expect(replayed.graph == outcome.graph)
    let costs = try [graph, outcome.graph].map { try engine.cost(of: $0).macs }
    #expect(Double(costs[1]) <= 0.8 * Double(costs[0]))
  }

  @Test func targetsAreMet() throws {
    let start = try engine.cost(of: graph)
    let byMacs = ChannelPruning(
      criterion: .l1, target: .macs(MACBudget(count: start.macs * 3 / 4)), engine: engine)
    let graph = try byMacs.run(on: graph, images: images).graph
    #expect(try engine.cost(of: graph).macs <= start.macs * 3 / 4)
    let tooMuch = ChannelPruning(criterion: .l1, target: .macs(0.001), engine: engine)
    #expect(try !tooMuch.plan(for: self.graph).isTargetMet)
  }

  @Test func noiseIsSaidAndNothingIsCompensated() throws {
    let noise = try CalibrationImages(graph, nil, count: 1, engine: engine)
    let method = ChannelPruning(criterion: .l1, target: .sparsity(0.3), engine: engine)
    #expect(try method.run(on: graph, images: noise).ranOnNoise)
    let looking = ChannelPruning(criterion: .lasso, target: .sparsity(0.3), engine: engine)
    #expect(throws: PruningError.needsImages(method: "lasso")) {
      try looking.run(on: graph, images: noise)
    }
  }

  @Test func progressIsTold() throws {
    let told = Told()
    var engine = engine
    engine.progress = told
    let method = ChannelPruning(criterion: .lasso, target: .macs(0.9), engine: engine)
    _ = try method.run(on: graph, images: images)
    let events = told.events.withLock { $0 }
    #expect(
      events.contains { if case .began("reconstructing", _, "layers") = $0 { true } else { false } }
    )
    let began = events.count { if case .began = $0 { true } else { false } }
    #expect(events.count { $0 == .ended } == began)
  }

  private final class Told: ProgressObserver {
    let events = Mutex<[ProgressEvent]>([])
    func observe(_ event: ProgressEvent) { events.withLock { $0.append(event) } }
  }

  @Test(arguments: [("0.5", 500), ("300", 300), ("2k", 2000), ("0.001M", 1000)])
  func budgetsAreRead(text: String, count: Int) throws {
    #expect(try #require(MACBudget(text)).count(of: 1000) == count)
  }

  @Test(arguments: ["", "x", "-1", "0", "inf", "9e40"])
  func otherBudgetsAreNotRead(text: String) { #expect(MACBudget(text) == nil) }
}
