import Operators
import Execution
import Distill
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

/// A teacher whose values follow from the images.
///
/// `values = sum of the image's pixels · (1 + index) + position`.
private final class CountingTeacher: TeacherSource {
  let shapes: [[Int]]
  private(set) var runs = 0
  private var memory: [[Float]] = []

  init(_ shapes: [[Int]]) { self.shapes = shapes }

  func values(on images: [Float]) throws -> [UnsafePointer<Float>] {
    runs += 1
    memory = shapes.enumerated().map { index, shape in
      let size = images.count / shape[0]
      let count = shape.dropFirst().reduce(1, *)
      return (0..<shape[0]).flatMap { image in
        let sum = images[image * size..<(image + 1) * size].reduce(0, +)
        return (0..<count).map { sum * Float(1 + index) + Float($0) }
      }
    }
    return memory.map { values in
      let copy = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
      copy.initialize(from: values, count: values.count)
      return UnsafePointer(copy)
    }
  }
}

@Suite struct DistillationObjectiveTests {
  /// A label loss of 2 whose gradient is 1 everywhere in the first map.
  private struct Labels: DetectionLoss {
    let partNames = ["label"]

    func evaluate(_ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool) -> LossValue {
      for index in 0..<maps[0].shape.reduce(1, *) { maps[0].gradient[index] += 1 }
      return LossValue(parts: [2])
    }
  }

  private func objective(
    _ losses: String, _ fixture: PairFixture, labels: Bool = true, labelWeight: Float = 0.5
  ) throws -> DistillationObjective {
    let teacher = CountingTeacher(
      PairFixture.headShapes
        + fixture.points.map { [PairFixture.images, $0.teacher.channels, $0.rows, $0.columns] })
    let heads = try HeadPair(
      student: PairFixture.head, PairFixture.headShapes, teacher: PairFixture.head,
      PairFixture.headShapes)
    return try DistillationObjective(
      student: .init(
        labels: labels ? Labels() : nil, labelWeight: labelWeight, head: ["p", "q"]),
      points: fixture.points, choices: DistillationChoice.parse(losses), teacher: teacher
    ) { choice in
      DistillationContext(
        loss: choice, points: fixture.points, heads: heads, images: PairFixture.images)
    }
  }

  private func images() -> TrainingBatch {
    TrainingBatch(
      images: (0..<PairFixture.images * 12).map { Float($0 % 7) / 70 },
      targets: PairFixture.targets)
  }

  private func maps(_ fixture: PairFixture) -> [RawMap] {
    let batch = fixture.batch()
    return batch.head + batch.pairs.map(\.student)
  }

  @Test func labelsAndLossesAddUp() throws {
    let fixture = PairFixture()
    let objective = try objective("kd=2,cwd,at=3", fixture)
    #expect(objective.taps == ["p", "q", "s0", "s1"])
    #expect(objective.partNames == ["label", "kd", "cwd", "at"])
    let value = try objective.evaluate(
      maps(fixture), on: images(), pool: ThreadPool(threads: 1))
    #expect(value.parts.count == 4 && value.parts[0] == 1)
    #expect(value.parts.allSatisfy { $0 > 0 })
    let alone = try self.objective("at=3", fixture, labels: false)
    let single = try alone.evaluate(maps(fixture), on: images(), pool: ThreadPool(threads: 1))
    #expect(single.parts == [value.parts[3]])
  }

  @Test func hintsActAloneAndThenNoMore() throws {
    let fixture = PairFixture()
    let objective = try objective("fitnet:stage=0.5,kd", fixture)
    let pool = ThreadPool(threads: 1)
    let first = try objective.evaluate(maps(fixture), on: images(), pool: pool)
    #expect(first.parts[0] == 0 && first.parts[1] > 0 && first.parts[2] == 0)
    let halfway = #"""
      {"epoch": 1, "batch": 0, "step": 5, "totalSteps": 10, "lossSums": [], "bestEpoch": 0,
       "history": []}
      """#
    let progress = try JSONDecoder().decode(TrainingProgress.self, from: Data(halfway.utf8))
    let step = try TinyStep.make()
    objective.willTrain(step, at: progress)
    let later = try objective.evaluate(maps(fixture), on: images(), pool: pool)
    #expect(later.parts[0] == 1 && later.parts[1] == 0 && later.parts[2] > 0)
  }

  @Test func theCacheFindsImagesAgain() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "cache.h5")
    let shapes = [[2, 3, 2, 2], [2, 4, 1, 1]]
    func cache(_ network: CountingTeacher, limit: Int = 1_000_000, teacher: String = "t") throws
      -> TeacherCache
    {
      try TeacherCache(network, file: file, teacher: teacher, values: ["a", "b"], limit: limit)
    }
    func read(_ source: some TeacherSource, _ images: [Float]) throws -> [[Float]] {
      try zip(source.values(on: images), shapes).map {
        Array(UnsafeBufferPointer(start: $0, count: $1.reduce(1, *)))
      }
    }
    let network = CountingTeacher(shapes)
    let (one, two): ([Float], [Float]) = ([1, 2, 3, 4, 5, 6], [4, 5, 6, 1, 2, 3])
    let first = try cache(network)
    let expected = try read(first, one)
    // The same images in another order are known.
    let swapped = try read(first, two)
    #expect(network.runs == 1 && first.hits == 2)
    #expect(Array(swapped[0].prefix(12)) == Array(expected[0].suffix(12)))
    try first.save()
    let again = CountingTeacher(shapes)
    let second = try cache(again)
    #expect(second.count == 2)
    #expect(try read(second, one) == expected)
    #expect(again.runs == 0)
    #expect(throws: DistillationError.self) { try cache(again, teacher: "other") }
    try FileManager.default.removeItem(at: file)
    let small = try cache(again, limit: 16 * 4)
    _ = try read(small, one)
    #expect(small.count == 1)
  }

  @Test func imagesAreStretchedBilinearly() throws {
    #expect(PixelResizing(from: (2, 3), to: (2, 3)) == nil)
    let resizing = try #require(PixelResizing(from: (2, 2), to: (2, 4)))
    let stretched = resizing.apply([0, 4, 8, 16, 1, 1, 1, 1])
    #expect(stretched == [0, 1, 3, 4, 8, 10, 14, 16, 1, 1, 1, 1, 1, 1, 1, 1])
    let back = try #require(PixelResizing(from: (2, 4), to: (1, 2)))
    #expect(back.apply([0, 2, 4, 6, 8, 2, 4, 6]) == [3, 5])
  }

  @Test func boxesAreLearntAboveAConfidenceAndScaled() throws {
    let fixture = PairFixture()
    let batch = fixture.batch()
    let sure = try fixture.term("boxes").evaluate(batch, weight: 1)
    let all = try fixture.term("boxes", ["confidence": 0.05]).evaluate(fixture.batch(), weight: 1)
    // One box an image, or two: Σ over x of ½ (x − 2)² − ½ (x − 1)² = 3/2 − x.
    let sum = batch.head.reduce(0.0) { sum, map in
      sum + (0..<map.shape.product).reduce(0.0) { $0 + 1.5 - Double(map.values[$1]) }
    }
    #expect(normalizedMaxError([all - sure], [sum]) < Tolerance.fastMath.bound)
  }

  @Test func pixelsAreConverted() throws {
    let (own, other) = (
      Preprocessing(order: .rgb, mean: [0], std: [255]),
      Preprocessing(order: .bgr, mean: [10, 20, 30], std: [2, 4, 5])
    )
    #expect(PixelConversion(from: own, to: own) == nil)
    let conversion = try #require(PixelConversion(from: own, to: other))
    // One pixel of (51, 102, 204) in RGB.
    let converted = conversion.apply([0.2, 0.4, 0.8], count: 1)
    let expected: [Float] = [(204 - 10) / 2, (102 - 20) / 4, (51 - 30) / 5]
    #expect(normalizedMaxError(converted, expected) < Tolerance.fastMath.bound)
  }
}

/// A step of the smallest network, for hooks that want one.
private enum TinyStep {
  static func make() throws -> TrainingStep {
    var graph = Graph(
      nodes: [Node("Conv", name: "c", inputs: ["x", "w"], outputs: ["y"])],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 2, 2])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.initializers["w"] = Initializer(
      Tensor([Float](repeating: 1, count: 3), shape: [1, 3, 1, 1]))
    return try TrainingStep(
      graph, taps: ["y"], parameters: ["w"],
      options: .init(batchSize: 1, imageSize: (2, 2), engine: Engine()))
  }
}
