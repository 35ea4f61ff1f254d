import Foundation
import ObjectDetection
import Tensors

/// The loss of anchor-free heads with distance distributions: YOLOv8 to v12.
///
/// t are the target scores of a task-aligned assignment, and T their sum over the batch, at least
/// 1. The loss is the sum of three parts:
///
/// - `classes · Σ BCE(x, t) / T`;
/// - `box · Σ t (1 − CIoU) / T`;
/// - `distribution · Σ t · mean of the four DFL / T`.
///
/// Reference: Jocher et al., Ultralytics YOLOv8, 2023, with ``TaskAlignedAssignment`` and
/// ``DistanceDistribution``. Deviates in not multiplying by the batch size.
public struct YOLOv8Loss: DetectionLoss {
  /// The scales.
  public var levels: [HeadLevel]
  /// The number of classes.
  public var classes: Int
  /// Bins of each distance, minus one.
  public var regMax: Int
  /// How a box is compared with its object.
  ///
  /// The assignment always uses CIoU.
  public var overlap = BoxOverlap.Measure.ciou
  /// What the parts are multiplied by.
  public var gains = (box: 7.5, classes: 0.5, distribution: 1.5)

  /// The loss of a head of the given scales.
  public init(levels: [HeadLevel], classes: Int, regMax: Int = 15) {
    self.levels = levels
    self.classes = classes
    self.regMax = regMax
  }

  /// Box, class and distribution.
  public var partNames: [String] { ["box", "class", "dfl"] }

  /// The loss of a batch, see ``YOLOv8Loss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, positives: positives(maps, targets, pool: pool), pool: pool)
  }

  /// The positive cells of each image.
  public func positives(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [[TaskAlignedAssignment.Positive]] {
    let places = CellPlaces(levels)
    let assigned = Slots<[TaskAlignedAssignment.Positive]>(targets.count, [])
    pool.forEach(targets.count) { image in
      guard !targets[image].isEmpty else { return }
      assigned[image] = assign(maps, image, targets[image], places)
    }
    return targets.indices.map { assigned[$0] }
  }

  /// The loss of a batch under given assignments, which are constants for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], positives: [[TaskAlignedAssignment.Positive]],
    pool: ThreadPool
  ) -> LossValue {
    let places = CellPlaces(levels)
    let total = max(1, positives.reduce(0.0) { $0 + $1.reduce(0) { $0 + $1.score } })
    let parts = Slots<SIMD4<Double>>(targets.count, SIMD4())
    pool.forEach(targets.count) { image in
      var sums = SIMD4<Double>()
      for positive in positives[image] {
        let share = positive.score / total
        let loss = distributedBoxes.penalize(
          maps, image: image, place: positive.cell, places,
          truth: targets[image][positive.target].box.corners, measure: overlap,
          boxScale: gains.box * share, focalScale: gains.distribution * share)
        sums.x += loss.box
        sums.z += loss.focal
      }
      sums.y = labels(maps, image, targets[image], positives[image], places, total)
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD4<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y, sums.z])
  }

  private var distributedBoxes: DistributedBoxes {
    DistributedBoxes(levels: levels, regMax: regMax)
  }

  // MARK: Assignment

  private func assign(
    _ maps: [RawMap], _ image: Int, _ targets: [LabelledBox], _ places: CellPlaces
  ) -> [TaskAlignedAssignment.Positive] {
    let boxes = places.cell.indices.map { place in
      distributedBoxes.box(maps, image: image, place: place, places)
    }
    return TaskAlignedAssignment().positives(targets, centres: places.centre, boxes: boxes) {
      place, label in
      let level = levels[places.level[place]]
      let map = maps[level.classes.map]
      let at = map.offset(image: image, channel: level.classes.first + label) + places.cell[place]
      return Double(sigmoid(map.values[at]))
    }
  }

  // MARK: Parts

  /// The class part of an image; adds its gradient.
  private func labels(
    _ maps: [RawMap], _ image: Int, _ targets: [LabelledBox],
    _ positives: [TaskAlignedAssignment.Positive], _ places: CellPlaces, _ total: Double
  ) -> Double {
    let scale = Float(gains.classes / total)
    var sum = 0.0
    for level in levels {
      let map = maps[level.classes.map]
      for label in 0..<classes {
        let at = map.offset(image: image, channel: level.classes.first + label)
        let (values, gradient) = (map.values + at, map.gradient + at)
        var row = 0.0
        for cell in 0..<level.cells {
          let (loss, slope) = binaryCrossEntropy(values[cell], 0)
          row += Double(loss)
          gradient[cell] += scale * slope
        }
        sum += row
      }
    }
    // Cells with an object: BCE(x, t) = BCE(x, 0) − x·t.
    for positive in positives {
      let level = levels[places.level[positive.cell]]
      let map = maps[level.classes.map]
      let label = targets[positive.target].classIndex
      let at =
        map.offset(image: image, channel: level.classes.first + label) + places.cell[positive.cell]
      sum -= Double(map.values[at]) * positive.score
      map.gradient[at] -= scale * Float(positive.score)
    }
    return gains.classes * sum / total
  }
}

extension LossFamily {
  /// ``YOLOv8Loss``.
  static let yolov8 = LossFamily(name: "yolov8") { head in
    YOLOv8Loss(
      levels: head.levels, classes: head.configuration.classes.count, regMax: head.regMax)
  }
}
