import ObjectDetection
import Tensors
import Training

extension DistillationLoss {
  /// The student's own loss against the boxes that the teacher finds.
  ///
  /// The teacher's outputs are decoded and suppressed as in detection. Its boxes of at least
  /// `confidence` are then the labels of the loss that the student's head has in training. So any
  /// detector teaches any other, whatever their heads, anchors, input sizes and further classes.
  ///
  /// Reference: Lee, *Pseudo-Label*, ICML Workshops 2013, in the hard form; Sohn et al., *A Simple
  /// Semi-Supervised Learning Framework for Object Detection*, 2020, arXiv:2005.04757, for
  /// detectors. Deviation: the teacher labels the augmented images, not plain ones.
  public static let boxes = DistillationLoss(
    name: "boxes", summary: "the boxes that the teacher finds, as labels; for any two heads",
    citation: "Sohn et al., arXiv:2005.04757", subject: .boxes,
    settings: [
      Setting("confidence", "the least confidence of a box", 0.3, in: 0.01...0.99)
    ],
    make: { context in
      guard let loss = context.studentLoss else {
        throw DistillationError.labelLoss(reason: context.studentReason)
      }
      let confidence = context.setting("confidence")
      return HeadTerm { batch, weight in
        let targets = batch.findings.map { boxes in
          boxes.filter { $0.confidence >= confidence }.map {
            LabelledBox(box: $0.box, classIndex: $0.classIndex)
          }
        }
        return weighted(loss, batch.head, targets, weight, batch.pool)
      }
    })

  /// The loss times a weight; adds its gradient, times the weight, to that of the maps.
  private static func weighted(
    _ loss: any DetectionLoss, _ maps: [RawMap], _ targets: [[LabelledBox]], _ weight: Float,
    _ pool: ThreadPool
  ) -> Double {
    let own = maps.map { map in
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(map.count, 1))
      memory.initialize(repeating: 0)
      return memory
    }
    defer { for memory in own { memory.deallocate() } }
    let alone = zip(maps, own).compactMap { map, memory in
      memory.baseAddress.map { RawMap(shape: map.shape, values: map.values, gradient: $0) }
    }
    let value = loss.evaluate(alone, targets: targets, pool: pool)
    for (map, memory) in zip(maps, own) {
      for index in 0..<map.count { map.gradient[index] += weight * memory[index] }
    }
    return value.total
  }
}

/// Reads the boxes that a teacher finds off its outputs.
public struct TeacherFindings {
  /// The names of the outputs.
  public let outputs: [String]
  private let family: HeadFamily
  private let configuration: HeadConfiguration
  private let imageSize: (height: Int, width: Int)
  private let studentSize: (height: Int, width: Int)
  /// The student's class of each of the teacher's.
  private let classes: [Int?]

  /// The boxes of a teacher, in the student's classes and pixels.
  ///
  /// - Throws: `HeadError.classes` where no class has the same name.
  public init(_ teacher: DistilledDetector, for student: DistilledDetector) throws {
    guard let family = HeadFamily.named(teacher.configuration.family) else {
      throw HeadError.unknownFamily(teacher.configuration.family)
    }
    let (own, other) = (student.configuration.classes, teacher.configuration.classes)
    classes = ClassNames.places(of: other, in: own)
    guard classes.contains(where: { $0 != nil }) else {
      throw HeadError.classes(model: other, dataset: own)
    }
    outputs = teacher.graph.outputs.map(\.name)
    (self.family, configuration) = (family, teacher.configuration)
    (imageSize, studentSize) = (teacher.imageSize, student.imageSize)
  }

  /// The student's classes that the teacher does not know, and the teacher's that are passed over.
  func unshared(
    _ teacher: DistilledDetector, _ student: DistilledDetector
  ) -> (student: [String], teacher: [String]) {
    let known = Set(classes.compactMap { $0 })
    let own = student.configuration.classes
    return (
      own.indices.filter { !known.contains($0) }.map { own[$0] },
      zip(teacher.configuration.classes, classes).filter { $1 == nil }.map(\.0)
    )
  }

  /// The boxes in each image, the most confident first.
  ///
  /// - Parameters:
  ///   - values: The outputs of a batch.
  ///   - shapes: Their shapes, `[N, …]`.
  /// - Throws: `HeadError` where the outputs do not fit the head.
  func boxes(
    _ values: [UnsafePointer<Float>], _ shapes: [[Int]], pool: ThreadPool
  ) throws -> [[Detection]] {
    let tensors = zip(values, shapes).map { values, shape in
      Tensor(Array(UnsafeBufferPointer(start: values, count: shape.product)), shape: shape)
    }
    let named = Dictionary(zip(outputs, tensors), uniquingKeysWith: { a, _ in a })
    let suppression = NonMaximumSuppression(
      iouThreshold: configuration.iou, maxDetections: configuration.maxDetections)
    let scale = (
      x: Double(studentSize.width) / Double(imageSize.width),
      y: Double(studentSize.height) / Double(imageSize.height)
    )
    return try pool.map(shapes[0][0]) { image in
      let read = HeadOutputs(
        tensors: named, order: outputs, image: image, height: imageSize.height,
        width: imageSize.width)
      let found = try family.decode(read, configuration).compactMap { detection in
        classes[detection.classIndex].flatMap { label -> Detection? in
          visible(detection.box, scale).map {
            Detection(box: $0, classIndex: label, confidence: detection.confidence)
          }
        }
      }
      return suppression(found)
    }
  }

  /// What of a box lies in the student's image; `nil` for less than two pixels on a side, as of
  /// labels after augmentation.
  private func visible(_ box: Box, _ scale: (x: Double, y: Double)) -> Box? {
    let edges = [box.left, box.top, box.right, box.bottom]
    guard edges.allSatisfy(\.isFinite) else { return nil }
    let (width, height) = (Double(studentSize.width), Double(studentSize.height))
    let inner = Box(
      left: min(max(box.left * scale.x, 0), width), top: min(max(box.top * scale.y, 0), height),
      right: min(max(box.right * scale.x, 0), width),
      bottom: min(max(box.bottom * scale.y, 0), height))
    return inner.width >= 2 && inner.height >= 2 ? inner : nil
  }
}
