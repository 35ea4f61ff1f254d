import Distill
import ObjectDetection
import Tensors
import Training

/// Teacher and student in memory: two feature points and a head of distance distributions, with
/// random numbers.
final class PairFixture {
  static let images = 4
  static let classes = ["a", "b", "c"]
  static let regMax = 3
  /// Objects of each image, in pixels of a 32 × 32 input.
  static let targets: [[LabelledBox]] = (0..<images).map { image in
    let left = Double(2 + 3 * image)
    return [
      LabelledBox(
        box: Box(left: left, top: 4, right: left + 14, bottom: 21), classIndex: image % 3)
    ]
  }

  let points: [FeaturePoint]
  private(set) var student: [UnsafeMutableBufferPointer<Float>] = []
  private var gradients: [UnsafeMutableBufferPointer<Float>] = []
  private var teacher: [UnsafeMutableBufferPointer<Float>] = []
  private let studentShapes: [[Int]]
  private let teacherShapes: [[Int]]

  /// - Parameter isEqual: Whether the student has the teacher's channels and values.
  init(seed: UInt64 = 3, isEqual: Bool = false, extents: [Int] = [4, 2]) {
    let channels = [(student: 5, teacher: 6), (student: 4, teacher: 7)]
    points = zip(extents, channels).enumerated().map { index, entry in
      let (extent, channels) = entry
      return FeaturePoint(
        teacher: .init(name: "t\(index)", channels: channels.teacher),
        student: .init(
          name: "s\(index)", channels: isEqual ? channels.teacher : channels.student),
        rows: extent, columns: extent, stride: 32 / extent)
    }
    let head = Self.headShapes
    studentShapes = head + points.map { [Self.images, $0.student.channels, $0.rows, $0.columns] }
    teacherShapes = head + points.map { [Self.images, $0.teacher.channels, $0.rows, $0.columns] }
    var random = CounterRandom(seed: seed)
    func memory(_ shape: [Int]) -> UnsafeMutableBufferPointer<Float> {
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.reduce(1, *))
      memory.initialize(repeating: 0)
      return memory
    }
    for (own, other) in zip(studentShapes, teacherShapes) {
      let (values, reference) = (memory(own), memory(other))
      for index in reference.indices { reference[index] = .random(in: -2...2, using: &random) }
      for index in values.indices {
        values[index] = isEqual ? reference[index] : .random(in: -2...2, using: &random)
      }
      student.append(values)
      teacher.append(reference)
      gradients.append(memory(own))
    }
  }

  deinit {
    for memory in student + gradients + teacher { memory.deallocate() }
  }

  /// Sets all values, the heads' first.
  func set(student values: [[Float]], teacher references: [[Float]]) {
    for (memory, values) in zip(student + teacher, values + references) {
      precondition(memory.count == values.count)
      for (index, value) in values.enumerated() { memory[index] = value }
    }
  }

  /// One map of boxes and classes a stride.
  static var headShapes: [[Int]] {
    let channels = 4 * (regMax + 1) + classes.count
    return [[images, channels, 4, 4], [images, channels, 2, 2]]
  }

  static var head: RawHead {
    RawHead(
      taps: ["p", "q"],
      levels: [4, 2].enumerated().map {
        HeadLevel(
          stride: 32 / $1, rows: $1, columns: $1, box: .init(map: $0),
          classes: .init(map: $0, first: 4 * (regMax + 1)))
      }, configuration: HeadConfiguration(family: "yolov8", classes: classes), regMax: regMax)
  }

  /// The batch, with gradients set to zero.
  func batch(learns: Bool = false, progress: Double = 0, threads: Int = 1) -> DistillationBatch {
    for gradient in gradients { gradient.update(repeating: 0) }
    let maps = zip(studentShapes, zip(student, gradients)).compactMap { shape, memory in
      memory.0.baseAddress.flatMap { values in
        memory.1.baseAddress.map {
          RawMap(shape: shape, values: UnsafePointer(values), gradient: $0)
        }
      }
    }
    let references = teacher.compactMap { $0.baseAddress.map { UnsafePointer($0) } }
    var batch = DistillationBatch(
      pairs: zip(points, zip(maps.dropFirst(2), references.dropFirst(2))).map {
        FeaturePair(
          student: $1.0, teacher: $1.1, teacherChannels: $0.teacher.channels, stride: $0.stride)
      },
      head: Array(maps.prefix(2)), teacherHead: Array(references.prefix(2)),
      targets: Self.targets, progress: progress, learns: learns,
      pool: ThreadPool(threads: threads))
    batch.findings = Self.findings
    return batch
  }

  /// What the teacher finds: each object, and something unlikely.
  static let findings: [[Detection]] = targets.map { objects in
    objects.map { Detection(box: $0.box, classIndex: $0.classIndex, confidence: 0.8) }
      + [
        Detection(
          box: Box(left: 1, top: 1, right: 9, bottom: 9), classIndex: 0, confidence: 0.1)
      ]
  }

  /// A smooth loss of boxes: `½ Σ (x − n)²` with the n boxes of an image.
  struct CountedBoxes: DetectionLoss {
    let partNames = ["count"]

    func evaluate(_ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool) -> LossValue {
      var sum = 0.0
      for map in maps {
        let size = map.shape.dropFirst().reduce(1, *)
        for index in 0..<map.shape.reduce(1, *) {
          let error = map.values[index] - Float(targets[index / size].count)
          sum += Double(error * error) / 2
          map.gradient[index] += error
        }
      }
      return LossValue(parts: [sum])
    }
  }

  /// All gradients, one after the other.
  var gradient: [Float] { gradients.flatMap(Array.init) }

  /// A term of a loss at its default settings, or those given.
  func term(
    _ name: String, _ settings: [String: Double] = [:], images: Int = PairFixture.images
  ) throws -> any DistillationTerm {
    guard let loss = DistillationLoss.named(name) else { throw DistillationError.unknown(name) }
    var choice = DistillationChoice(loss)
    choice.settings.merge(settings) { $1 }
    let heads = try HeadPair(
      student: Self.head, Self.headShapes, teacher: Self.head, Self.headShapes)
    var context = DistillationContext(
      loss: choice, points: points, heads: heads, images: images, learningRate: 0.01, seed: 5)
    context.studentLoss = CountedBoxes()
    return try loss.make(context)
  }

  /// How far the gradient is from central differences along random directions, relative to the
  /// larger of both.
  func directionalError(
    directions: Int = 4, step: Float = 1e-3, _ loss: () throws -> Double
  ) rethrows -> Double {
    _ = try loss()
    let exactSlope = gradient
    var random = CounterRandom(seed: 77)
    let old = student.map(Array.init)
    func along(_ direction: [Float], _ step: Float) throws -> Double {
      var place = 0
      for (map, memory) in student.enumerated() {
        for index in memory.indices {
          memory[index] = old[map][index] + step * direction[place]
          place += 1
        }
      }
      return try loss()
    }
    var worst = 0.0
    for _ in 0..<directions {
      // Mostly uphill, so that the derivative along it is not lost in rounding.
      let direction = exactSlope.map { slope -> Float in
        Int.random(in: 0..<4, using: &random) == 0
          ? (slope >= 0 ? -1 : 1) : (slope > 0 ? 1 : slope < 0 ? -1 : 0)
      }
      let numeric =
        try (along(direction, step) - along(direction, -step)) / Double(2 * step)
      let exact = zip(exactSlope, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      worst = max(worst, abs(numeric - exact) / max(abs(numeric), abs(exact), 1e-6))
    }
    _ = try along(exactSlope, 0)
    return worst
  }
}
