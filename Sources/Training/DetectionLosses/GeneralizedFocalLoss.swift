import Foundation
import ObjectDetection
import Tensors

/// The loss of heads with quality scores and distance distributions: NanoDet and GFL.
///
/// n is the number of positives in the batch, at least 1. The weight w of a positive is its best
/// class score, and W the sum of all w. The loss is
/// `Σ |σ − y|²·BCE(x, y) / n + 2 · Σ w (1 − GIoU) / W + ¼ · Σ w · mean of the four DFL / W`. The
/// target y is the overlap of a positive's box with its object for the object's class, and 0
/// elsewhere.
///
/// Reference: Li et al., *Generalized Focal Loss*, NeurIPS 2020, arXiv:2006.04388, with
/// ``AdaptiveSelection``.
public struct GeneralizedFocalLoss: DetectionLoss {
  /// A cell that is assigned to an object.
  public struct Positive: Sendable, Equatable {
    /// The cell, counted over all scales.
    public var cell: Int
    /// The index of the object in the image.
    public var target: Int
    /// The overlap of the predicted box with the object when it was assigned.
    public var quality: Double
    /// The best class score of the cell when it was assigned.
    public var weight: Double
  }

  /// The scales.
  public var levels: [HeadLevel]
  /// The number of classes.
  public var classes: Int
  /// What the parts are multiplied by.
  public var gains = (quality: 1.0, box: 2.0, distribution: 0.25)
  private let boxes: DistributedBoxes

  /// The loss of a head of the given scales.
  ///
  /// - Parameter shift: The shift of the centre of each cell, in pixels. NanoDet's centres lie half
  ///   a pixel to the upper left.
  public init(levels: [HeadLevel], classes: Int, regMax: Int = 7, shift: Double = -0.5) {
    self.levels = levels
    self.classes = classes
    boxes = DistributedBoxes(levels: levels, regMax: regMax, shift: shift)
  }

  /// Quality, box and distribution.
  public var partNames: [String] { ["quality", "box", "dfl"] }

  /// The loss of a batch, see ``GeneralizedFocalLoss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, positives: positives(maps, targets, pool: pool), pool: pool)
  }

  /// The positive cells of each image.
  public func positives(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [[Positive]] {
    let places = CellPlaces(levels)
    let assigned = Slots<[Positive]>(targets.count, [])
    pool.forEach(targets.count) { image in
      let chosen = AdaptiveSelection().positives(
        targets[image], levels: levels, places: places)
      assigned[image] = chosen.map { cell, target in
        let box = boxes.box(maps, image: image, place: cell, places)
        let overlap = BoxOverlap(box, targets[image][target].box.corners, .iou).value
        let best = (0..<classes).reduce(Float(0)) { best, label in
          max(
            best, sigmoid(maps[map(cell, places)].values[offset(maps, image, cell, label, places)]))
        }
        return Positive(
          cell: cell, target: target, quality: max(overlap, 0), weight: Double(best))
      }
    }
    return targets.indices.map { assigned[$0] }
  }

  /// The loss of a batch under given assignments, which are constants for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], positives: [[Positive]], pool: ThreadPool
  ) -> LossValue {
    let places = CellPlaces(levels)
    let count = Double(max(1, positives.reduce(0) { $0 + $1.count }))
    let weights = max(positives.reduce(0.0) { $0 + $1.reduce(0) { $0 + $1.weight } }, 1e-6)
    let parts = Slots<SIMD4<Double>>(targets.count, SIMD4())
    pool.forEach(targets.count) { image in
      var sums = SIMD4<Double>()
      sums.x = quality(
        maps, image, targets[image], positives[image], places, share: gains.quality / count)
      for positive in positives[image] {
        let share = positive.weight / weights
        let loss = boxes.penalize(
          maps, image: image, place: positive.cell, places,
          truth: targets[image][positive.target].box.corners, measure: .giou,
          boxScale: gains.box * share, focalScale: gains.distribution * share)
        sums.y += loss.box
        sums.z += loss.focal
      }
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD4<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y, sums.z])
  }

  private func map(_ cell: Int, _ places: CellPlaces) -> Int {
    levels[places.level[cell]].classes.map
  }

  private func offset(
    _ maps: [RawMap], _ image: Int, _ cell: Int, _ label: Int, _ places: CellPlaces
  ) -> Int {
    let channels = levels[places.level[cell]].classes
    return maps[channels.map].offset(image: image, channel: channels.first + label)
      + places.cell[cell]
  }

  /// The quality focal loss of an image; adds its gradient.
  private func quality(
    _ maps: [RawMap], _ image: Int, _ targets: [LabelledBox], _ positives: [Positive],
    _ places: CellPlaces, share: Double
  ) -> Double {
    var sum = 0.0
    let scale = Float(share)
    for level in levels {
      let map = maps[level.classes.map]
      for label in 0..<classes {
        let at = map.offset(image: image, channel: level.classes.first + label)
        for cell in at..<at + level.cells {
          let (loss, slope) = Self.focal(map.values[cell], 0)
          sum += Double(loss)
          map.gradient[cell] += scale * slope
        }
      }
    }
    for positive in positives {
      let at = offset(maps, image, positive.cell, targets[positive.target].classIndex, places)
      let map = maps[map(positive.cell, places)]
      let (nothing, object) = (
        Self.focal(map.values[at], 0), Self.focal(map.values[at], Float(positive.quality))
      )
      sum += Double(object.loss) - Double(nothing.loss)
      map.gradient[at] += scale * (object.slope - nothing.slope)
    }
    return share * sum
  }

  /// `(σ − y)²·BCE(x, y)` and its derivative with respect to x.
  private static func focal(_ x: Float, _ quality: Float) -> (loss: Float, slope: Float) {
    let (entropy, gap) = binaryCrossEntropy(x, quality)
    let probability = gap + quality
    return (
      gap * gap * entropy,
      2 * gap * probability * (1 - probability) * entropy + gap * gap * gap
    )
  }
}

extension LossFamily {
  /// ``GeneralizedFocalLoss``.
  static let generalizedFocal = LossFamily(name: "gfl") { head in
    GeneralizedFocalLoss(
      levels: head.levels, classes: head.configuration.classes.count, regMax: head.regMax)
  }
}
