import Compression
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Quantize
import Tensors
import TestSupport
import Testing

/// The pipeline of quantisation on a trained detector, held by mAP.
@Suite struct EmbeddedDetectorTests {
  private static let engine = Engine(threads: 2)
  private static let pool = ThreadPool(threads: 2)
  /// Scenes to score on; none is looked at otherwise.
  private static let scenes = Dataset.synthetic(count: 60, seed: 9, pool: pool)

  private let graph: Graph
  private let images: CalibrationImages

  init() throws {
    graph = try ModelFile.load(
      SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx"))
    images = try CalibrationImages(
      graph, .synthetic(count: 4, seed: 1, pool: Self.pool), count: 4, engine: Self.engine)
  }

  /// Nothing is measured layer by layer unless a test asks for it.
  private static func configuration(
    _ edit: (inout Quantization.Configuration) -> Void
  ) -> Quantization.Configuration {
    var configuration = Quantization.Configuration()
    configuration.mostDamage = .infinity
    edit(&configuration)
    return configuration
  }

  private func run(
    _ images: CalibrationImages? = nil, scoring: Dataset? = nil,
    _ edit: (inout Quantization.Configuration) -> Void
  ) throws -> Quantization.Outcome {
    try Quantization(Self.configuration(edit), engine: Self.engine).run(
      on: graph, images: images ?? self.images, scoring: scoring)
  }

  private func precision(_ graph: Graph, on scenes: Dataset = scenes) throws -> Double {
    try DetectorEvaluation(graph, on: scenes, engine: Self.engine).summary.ap
  }

  /// A name, and what it does to a configuration.
  struct Choice: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var edit: @Sendable (inout Quantization.Configuration) -> Void
  }

  static let choices = [
    Choice(testDescription: "6 bits") {
      ($0.scheme.weightBits, $0.scheme.activationBits) = (6, 6)
    },
    Choice(testDescription: "per tensor") { $0.scheme.perChannel = false },
    Choice(testDescription: "symmetric") { $0.scheme.symmetricActivations = true },
    Choice(testDescription: "powers of two") { $0.scheme.powerOfTwo = true },
    Choice(testDescription: "reduced range") { $0.scheme.reduceRange = true },
    Choice(testDescription: "log2") { $0.scheme.weightGrid = .log2 },
    Choice(testDescription: "percentile") {
      $0.observer = Observer.named("percentile=99.9") ?? $0.observer
    },
  ]

  @Test(arguments: choices) func schemesAreFollowed(choice: Choice) throws {
    let outcome = try run { choice.edit(&$0) }
    let asked = Self.configuration(choice.edit)
    #expect(outcome.plan.scheme == asked.scheme && outcome.plan.observer == asked.observer.name)
    #expect(try precision(outcome.graph) > 0.3)
  }

  @Test func layersAreGivenBackUntilTheBoundHolds() throws {
    let few = Dataset.synthetic(count: 24, seed: 9, pool: Self.pool)
    let outcome = try run(scoring: few) {
      $0.scheme.weightBits = 3
      $0.drop = .init(0.05)
    }
    let all = graph.nodes.count { Self.engine.registry.quantizationRole(of: $0) == .layer }
    #expect(outcome.layers < all && outcome.layers > 0)
    #expect(try precision(graph, on: few) - precision(outcome.graph, on: few) <= 0.05)
  }

  @Test func theFewestBitsAreFound() throws {
    let outcome = try run(scoring: Self.scenes) {
      $0.bitsMargin = 0.05
      $0.scheme.powerOfTwo = true
    }
    let trials = try #require(outcome.trials)
    #expect(trials.count > 2)
    #expect(outcome.plan.scheme.weightBits < 8, "\(trials)")
    #expect(try precision(graph) - precision(outcome.graph) <= 0.0501)
  }

  /// Of the head alone: of the whole network every value would be tried.
  @Test func rangesFollowWhatTheHeadSays() throws {
    let outcome = try run {
      $0.observer = .detection
      $0.excluded = [NamePattern("*backbone*"), NamePattern("*neck*")]
    }
    #expect(outcome.plan.observer == "detection")
    #expect(try precision(graph) - precision(outcome.graph) < 0.02)
  }

  @Test func harmfulLayersStayFloat() throws {
    let images = try CalibrationImages(
      graph, .synthetic(count: 1, seed: 1, pool: Self.pool), count: 1, engine: Self.engine)
    let measured = try run(images) {
      ($0.scheme.weightBits, $0.scheme.activationBits) = (5, 5)
      $0.measuresSensitivity = true
    }
    let damages = try #require(measured.damages).map(\.damage)
    #expect(damages == damages.sorted(by: >) && damages.count > 20)
    let bounded = try run(images) {
      ($0.scheme.weightBits, $0.scheme.activationBits) = (5, 5)
      $0.mostDamage = damages[5]
    }
    let reason = Quantization.KeepReasons().damage
    #expect(bounded.plan.kept.count { $0.reason == reason && $0.opType == "Conv" } == 5)
  }

  /// Learnt for the layers of few weights, of which the first matter most.
  @Test func roundingIsLearntAndReplayed() throws {
    let large = ["*stage3*", "*stage4*", "*sppf*", "*neck*", "*head*"].map(NamePattern.init)
    let nearest = try run {
      $0.scheme.weightBits = 3
      $0.excluded = large
    }
    let learnt = try run {
      $0.scheme.weightBits = 3
      $0.excluded = large
      $0.rounding = .adaptive
    }
    #expect(try precision(learnt.graph) > precision(nearest.graph))
    let file = try JSONDecoder().decode(
      QuantizationPlan.self, from: PlanFile.encode(learnt.plan))
    let again = try Quantization(engine: Self.engine).run(
      on: graph, replaying: file, images: images)
    #expect(again.graph == learnt.graph)
  }

  @Test func threadsDoNotMatter() throws {
    let outcomes = try [1, 3].map { threads in
      let engine = Engine(threads: threads)
      let images = try CalibrationImages(
        graph, .synthetic(count: 4, seed: 1, pool: Self.pool), count: 4, engine: engine)
      return try Quantization(Self.configuration { _ in }, engine: engine).run(
        on: graph, images: images)
    }
    #expect(outcomes[0].plan == outcomes[1].plan && outcomes[0].graph == outcomes[1].graph)
  }
}
