import Foundation
import ObjectDetection
import Tensors

/// The loss of anchor-free heads with objectness: YOLOX.
///
/// Boxes have the centre `(xy + cell)·stride` and the extents `e^(wh)·stride`. With n positives in
/// the batch, at least 1, the loss is the sum of three parts:
///
/// - box: `5 · Σ (1 − IoU²) / n`;
/// - objectness: `Σ BCE(objectness, is positive) / n`;
/// - class: `Σ BCE(class, IoU of its object's class) / n`.
///
/// Reference: Ge et al., *YOLOX*, 2021, arXiv:2107.08430, with ``SimilarityAssignment``. The L1
/// term of its last epochs is left out.
public struct YOLOXLoss: DetectionLoss {
  /// The scales.
  public var levels: [HeadLevel]
  /// The number of classes.
  public var classes: Int
  /// What the parts are multiplied by.
  public var gains = (box: 5.0, objectness: 1.0, classes: 1.0)

  /// The loss of a head of the given scales, each with channels of objectness.
  public init(levels: [HeadLevel], classes: Int) {
    self.levels = levels
    self.classes = classes
  }

  /// Box, objectness and class.
  public var partNames: [String] { ["box", "object", "class"] }

  /// The loss of a batch, see ``YOLOXLoss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, positives: positives(maps, targets, pool: pool), pool: pool)
  }

  /// The positive cells of each image.
  public func positives(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [[SimilarityAssignment.Positive]] {
    let places = CellPlaces(levels)
    let assigned = Slots<[SimilarityAssignment.Positive]>(targets.count, [])
    pool.forEach(targets.count) { image in
      guard !targets[image].isEmpty else { return }
      assigned[image] = SimilarityAssignment().positives(
        targets[image], centres: places.centre,
        strides: places.level.map { Double(levels[$0].stride) },
        boxes: places.cell.indices.map { predicted(maps, image, $0, places).box }
      ) { place, label in classCost(maps, image, place, label, places) }
    }
    return targets.indices.map { assigned[$0] }
  }

  /// The loss of a batch under given assignments, which are constants for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], positives: [[SimilarityAssignment.Positive]],
    pool: ThreadPool
  ) -> LossValue {
    let places = CellPlaces(levels)
    let share = 1 / Double(max(1, positives.reduce(0) { $0 + $1.count }))
    let parts = Slots<SIMD4<Double>>(targets.count, SIMD4())
    pool.forEach(targets.count) { image in
      var sums = SIMD4<Double>()
      for positive in positives[image] {
        let target = targets[image][positive.target]
        sums.x += box(maps, image, target, positive, places, share)
        sums.z += label(maps, image, target, positive, places, share)
      }
      sums.y = objectness(maps, image, Set(positives[image].map(\.cell)), places, share)
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD4<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y, sums.z])
  }

  // MARK: Reading maps

  private func offset(
    _ maps: [RawMap], _ channels: HeadLevel.Channels, _ channel: Int, _ image: Int, _ place: Int,
    _ places: CellPlaces
  ) -> Int {
    maps[channels.map].offset(image: image, channel: channels.first + channel)
      + places.cell[place]
  }

  /// The box of a cell in pixels, and its extents.
  private func predicted(
    _ maps: [RawMap], _ image: Int, _ place: Int, _ places: CellPlaces
  ) -> (box: SIMD4<Double>, width: Double, height: Double) {
    let level = levels[places.level[place]]
    let values = (0..<4).map { channel in
      Double(maps[level.box.map].values[offset(maps, level.box, channel, image, place, places)])
    }
    let stride = Double(level.stride)
    let (row, column) = places.cell[place].quotientAndRemainder(dividingBy: level.columns)
    let (x, y) = ((values[0] + Double(column)) * stride, (values[1] + Double(row)) * stride)
    // Larger logarithms are cut off at 12, because the squares of such extents overflow.
    let width = exp(min(values[2], 12)) * stride
    let height = exp(min(values[3], 12)) * stride
    return (SIMD4(x - width / 2, y - height / 2, x + width / 2, y + height / 2), width, height)
  }

  /// The class loss of a cell for a class.
  ///
  /// The score is the square root of class times objectness.
  private func classCost(
    _ maps: [RawMap], _ image: Int, _ place: Int, _ label: Int, _ places: CellPlaces
  ) -> Double {
    let level = levels[places.level[place]]
    guard let channel = level.objectness else { return 0 }
    let objectness = Double(
      sigmoid(maps[channel.map].values[offset(maps, channel, 0, image, place, places)]))
    var cost = 0.0
    for other in 0..<classes {
      let at = offset(maps, level.classes, other, image, place, places)
      let score = (Double(sigmoid(maps[level.classes.map].values[at])) * objectness).squareRoot()
      let clamped = min(max(score, 1e-7), 1 - 1e-7)
      cost -= log(other == label ? clamped : 1 - clamped)
    }
    return cost
  }

  // MARK: Parts

  private func box(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox,
    _ positive: SimilarityAssignment.Positive, _ places: CellPlaces, _ share: Double
  ) -> Double {
    let level = levels[places.level[positive.cell]]
    let found = predicted(maps, image, positive.cell, places)
    let measured = BoxOverlap(found.box, target.box.corners, .iou)
    let g = measured.gradient * (-2 * measured.value * gains.box * share)
    let stride = Double(level.stride)
    let byLogit = [
      (g.x + g.z) * stride, (g.y + g.w) * stride, (g.z - g.x) / 2 * found.width,
      (g.w - g.y) / 2 * found.height,
    ]
    for (channel, slope) in byLogit.enumerated() {
      let at = offset(maps, level.box, channel, image, positive.cell, places)
      maps[level.box.map].gradient[at] += Float(slope)
    }
    return gains.box * share * (1 - measured.value * measured.value)
  }

  private func label(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox,
    _ positive: SimilarityAssignment.Positive, _ places: CellPlaces, _ share: Double
  ) -> Double {
    let level = levels[places.level[positive.cell]]
    let factor = gains.classes * share
    var sum = 0.0
    for label in 0..<classes {
      let at = offset(maps, level.classes, label, image, positive.cell, places)
      let (loss, slope) = binaryCrossEntropy(
        maps[level.classes.map].values[at],
        label == target.classIndex ? Float(positive.overlap) : 0)
      sum += Double(loss)
      maps[level.classes.map].gradient[at] += Float(factor) * slope
    }
    return factor * sum
  }

  private func objectness(
    _ maps: [RawMap], _ image: Int, _ positives: Set<Int>, _ places: CellPlaces, _ share: Double
  ) -> Double {
    let factor = gains.objectness * share
    var sum = 0.0
    for place in places.cell.indices {
      guard let channel = levels[places.level[place]].objectness else { continue }
      let at = offset(maps, channel, 0, image, place, places)
      let (loss, slope) = binaryCrossEntropy(
        maps[channel.map].values[at], positives.contains(place) ? 1 : 0)
      sum += Double(loss)
      maps[channel.map].gradient[at] += Float(factor) * slope
    }
    return factor * sum
  }
}

extension LossFamily {
  /// ``YOLOXLoss``.
  static let yolox = LossFamily(name: "yolox") { head in
    YOLOXLoss(levels: head.levels, classes: head.configuration.classes.count)
  }
}
