import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors
import TestSupport
import Testing
import Training

/// Recovery of a small network whose weights were spoilt, on images of one colour each.
@Suite struct RecoveryTests {
  private static let size = TinyProblem.size
  private let folder: TemporaryFolder
  private let images: Dataset

  init() throws {
    folder = try TemporaryFolder()
    images = try Self.images(20, in: folder.url)
  }

  /// Images of so many different greys.
  private static func images(_ count: Int, in folder: URL) throws -> Dataset {
    let files = try (0..<count).map { index in
      let grey = PixelBuffer(
        width: size, height: size,
        pixels: [UInt8](repeating: UInt8(index * 255 / count), count: 3 * size * size))
      let file = folder.appending(path: String(format: "%02d.png", index))
      try ImageFile.encode(grey, as: "image.png").write(to: file)
      return file
    }
    return Dataset(
      format: "folder", source: folder, categories: [],
      images: files.enumerated().map { .init(id: $0.offset, file: $0.element) }, annotations: [])
  }

  private static func original() -> Graph {
    var graph = TinyProblem.network()
    graph.inputs[0].type = .tensor(
      .float32, shape: [.fixed(1), .fixed(3), .fixed(size), .fixed(size)])
    return graph
  }

  /// The original with a third of its first weights at zero and the last ones halved.
  private static func spoilt() throws -> Graph {
    var graph = original()
    let first = try #require(graph[constant: "w1"]?.floats)
    let last = try #require(graph[constant: "w2"]?.floats)
    graph.setConstants([
      "w1": Tensor(
        first.enumerated().map { $0.offset % 3 == 0 ? 0 : $0.element }, shape: [6, 3, 3, 3]),
      "w2": Tensor(last.map { $0 / 2 }, shape: [2, 6, 1, 1]),
    ])
    return graph
  }

  private static func recovery(
    steps: Int = 60, seed: UInt64 = 1, threads: Int = 1,
    _ configure: (inout Recovery.Configuration) -> Void = { _ in }
  ) -> Recovery {
    var configuration = Recovery.Configuration()
    (configuration.limit, configuration.seed) = (.steps(steps), seed)
    (configuration.batchSize, configuration.augmentation) = (4, .none)
    configure(&configuration)
    return Recovery(configuration, engine: Engine(registry: .standard, threads: threads))
  }

  @Test func theNetworkComesNearerAndZerosStay() throws {
    let start = try Self.spoilt()
    let outcome = try Self.recovery().run(on: start, towards: Self.original(), images: images)
    #expect(outcome.log.distanceBefore > 0)
    #expect(outcome.log.distanceAfter < outcome.log.distanceBefore * 0.75)
    let (old, new) = (
      try #require(start[constant: "w1"]?.floats),
      try #require(outcome.graph[constant: "w1"]?.floats)
    )
    #expect(zip(old, new).allSatisfy { ($0 == 0) == ($1 == 0) } && old != new)
    #expect(outcome.graph.nodes == start.nodes && outcome.graph.outputs == start.outputs)
  }

  @Test func theKeptNetworkIsTheOneThatWasMeasured() throws {
    let outcome = try Self.recovery().run(
      on: Self.spoilt(), towards: Self.original(), images: images)
    let again = try Self.recovery(steps: 1).run(
      on: outcome.graph, towards: Self.original(), images: images)
    #expect(abs(again.log.distanceBefore - outcome.log.distanceAfter) < 1e-9)
    let found = outcome.log.trials.map(\.distance) + outcome.log.history.map(\.distance)
    #expect(found.allSatisfy { $0 >= outcome.log.distanceAfter })
  }

  @Test func whatNothingImprovesStaysAsItWas() throws {
    let start = try Self.spoilt()
    let wild = Self.recovery { $0.learningRates = [1e4] }
    let outcome = try wild.run(on: start, towards: Self.original(), images: images)
    #expect(outcome.graph == start)
    #expect(outcome.log.distanceAfter == outcome.log.distanceBefore)
    let same = try Self.recovery().run(
      on: Self.original(), towards: Self.original(), images: images)
    #expect(same.log.distanceAfter == 0 && same.graph == Self.original())
  }

  @Test func theSeedDecidesAndThreadsDoNot() throws {
    func run(_ seed: UInt64, threads: Int) throws -> Graph {
      try Self.recovery(steps: 20, seed: seed, threads: threads).run(
        on: Self.spoilt(), towards: Self.original(), images: images
      ).graph
    }
    let first = try run(1, threads: 1)
    #expect(try run(1, threads: 2) == first)
    #expect(try run(2, threads: 1) != first)
  }

  @Test func labelsAreNotRead() throws {
    var labelled = images
    labelled.categories = [.init(id: 3, name: "thing")]
    labelled.annotations = labelled.images.indices.map {
      .init(id: $0, image: $0, category: 3, x: 1, y: 1, width: 4, height: .nan)
    }
    let graphs = try [images, labelled].map {
      try Self.recovery(steps: 12).run(on: Self.spoilt(), towards: Self.original(), images: $0)
        .graph
    }
    #expect(graphs[0] == graphs[1])
  }

  @Test func heldBackImagesAreNotTrainedOn() throws {
    let witness = Witness()
    let outcome = try Self.recovery().run(
      on: Self.spoilt(), towards: Self.original(), images: images, hooks: [witness])
    #expect(outcome.log.heldBack == Recovery.leastHeldBack)
    #expect(outcome.log.images == images.images.count - Recovery.leastHeldBack)
    #expect(witness.greys.count == outcome.log.images)
  }

  /// Notes which images are trained on.
  private final class Witness: TrainingHook {
    var greys: Set<Float> = []

    func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
      let plane = step.images.count / 4
      for image in 0..<4 { greys.insert(step.images[image * plane]) }
    }
  }

  @Test func candidatesAreTriedFromTheMiddleOn() throws {
    let outcome = try Self.recovery().run(
      on: Self.spoilt(), towards: Self.original(), images: images)
    let (log, rates) = (outcome.log, Recovery.Configuration().learningRates)
    #expect(log.trials.first?.learningRate == rates[rates.count / 2])
    #expect(log.trials.count >= 3 && log.trials.count <= rates.count + 1)
    let rated = log.trials.filter { !$0.measuresNormalization }
    #expect(Set(rated.map(\.learningRate)).count == rated.count)
    // The network has a normalisation, so that its statistics are tried as well, at the best rate.
    let measuring = try #require(log.trials.last)
    #expect(measuring.measuresNormalization)
    #expect(
      measuring.learningRate == rated.min { $0.distance < $1.distance }?.learningRate)
    #expect(log.chosen == log.trials.min { $0.distance < $1.distance })
    #expect(log.steps <= 60 + 1)
  }

  @Test func itStopsWhenNothingImproves() throws {
    let impatient = Self.recovery(steps: 400) {
      ($0.learningRates, $0.patience) = ([1e4], 2)
    }
    let outcome = try impatient.run(on: Self.spoilt(), towards: Self.original(), images: images)
    #expect(outcome.log.history.count <= 2 && outcome.log.steps < 400)
  }

  @Test func timeIsALimitToo() throws {
    let outcome = try Self.recovery { $0.limit = .minutes(0.002) }.run(
      on: Self.spoilt(), towards: Self.original(), images: images)
    #expect(outcome.log.steps > 0 && outcome.log.minutes < 1)
    #expect(outcome.log.distanceAfter <= outcome.log.distanceBefore)
  }

  @Test func aFewImagesAreNotEnough() throws {
    var few = images
    few.images.removeLast(images.images.count - Recovery.leastImages + 1)
    #expect(
      throws: TrainingError.fewImages(
        found: Recovery.leastImages - 1, needed: Recovery.leastImages)
    ) {
      try Self.recovery().run(on: Self.spoilt(), towards: Self.original(), images: few)
    }
  }
}
