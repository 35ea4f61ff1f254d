import Foundation
import ObjectDetection
import Tensors

/// The loss of heads with anchors and objectness: YOLOv5, YOLOv7 and YOLO-Fastest.
///
/// Logits become boxes as ``AnchorCoding`` says. The loss is `scale` times the sum over scales of
/// three parts:
///
/// - `box · mean (1 − CIoU)` over the scale's positives;
/// - `objectness · balance · mean BCE(x, IoU)` over all its anchors and cells;
/// - `classes · C/80 · mean BCE` over its positives.
///
/// Reference: Jocher et al., Ultralytics YOLOv5, 2020–2022, with ``AnchorAssignment``. Deviates in
/// the constant `scale`; YOLOv5 multiplies by the batch size instead. Where centres do not reach
/// into neighbouring cells, as Darknet's, only the cell of an object's centre answers for it.
public struct YOLOv5Loss: DetectionLoss {
  /// The scales; `box` names the first channel of the first anchor.
  public var levels: [HeadLevel]
  /// Widths and heights of the anchors of each scale, in pixels.
  public var anchors: [[[Double]]]
  /// The number of classes.
  public var classes: Int
  /// How logits become boxes.
  public var coding = AnchorCoding.squares
  /// What the parts are multiplied by.
  public var gains = (box: 0.05, objectness: 1.0, classes: 0.5)
  /// What everything is multiplied by.
  public var scale = 16.0
  /// How a box is compared with its object.
  public var overlap = BoxOverlap.Measure.ciou

  /// The loss of a head of the given scales, the finest first.
  public init(levels: [HeadLevel], anchors: [[[Double]]], classes: Int) {
    self.levels = levels
    self.anchors = anchors
    self.classes = classes
  }

  /// Box, objectness and class.
  public var partNames: [String] { ["box", "object", "class"] }

  private var fields: Int { classes + 5 }

  /// The weight of each scale's objectness: 4, 1, 0.4 from the finest of three on.
  private var balances: [Double] {
    levels.count == 3 ? [4, 1, 0.4] : levels.indices.map { [4, 1, 0.25, 0.06, 0.02][min($0, 4)] }
  }

  /// The loss of a batch, see ``YOLOv5Loss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, positives: positives(maps, targets, pool: pool), pool: pool)
  }

  /// The positive anchors of each image.
  public func positives(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [[AnchorAssignment.Positive]] {
    targets.enumerated().map { image, objects in
      AnchorAssignment(takesNeighbours: coding.spread >= 2).places(
        objects, levels: levels, anchors: anchors
      ).map { positive in
        var positive = positive
        let found = predicted(maps, image, positive)
        positive.overlap = max(
          0, BoxOverlap(found.box, objects[positive.target].box.corners, .ciou).value)
        return positive
      }
    }
  }

  /// The loss of a batch under given assignments, which are constants for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], positives: [[AnchorAssignment.Positive]],
    pool: ThreadPool
  ) -> LossValue {
    var counts = [Int](repeating: 0, count: levels.count)
    for positive in positives.joined() { counts[positive.level] += 1 }
    let parts = Slots<SIMD4<Double>>(targets.count, SIMD4())
    pool.forEach(targets.count) { image in
      var sums = SIMD4<Double>()
      for positive in positives[image] {
        let share = scale / Double(counts[positive.level])
        sums += box(maps, image, targets[image][positive.target], positive, share)
        sums.z += label(maps, image, targets[image][positive.target], positive, share)
      }
      sums.y = objectness(maps, image, positives[image], images: targets.count)
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD4<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y, sums.z])
  }

  // MARK: Parts

  /// The offset of a field of an anchor in its map.
  private func offset(
    _ map: RawMap, _ image: Int, _ positive: AnchorAssignment.Positive, field: Int
  ) -> Int {
    let channel = levels[positive.level].box.first + positive.anchor * fields + field
    return map.offset(image: image, channel: channel) + positive.cell
  }

  /// The predicted box in pixels, and the derivatives of centre and extents by the four logits.
  private func predicted(
    _ maps: [RawMap], _ image: Int, _ positive: AnchorAssignment.Positive
  ) -> (box: SIMD4<Double>, slopes: SIMD4<Double>) {
    let level = levels[positive.level]
    let map = maps[level.box.map]
    func logit(_ field: Int) -> Float {
      map.values[offset(map, image, positive, field: field)]
    }
    let (row, column) = positive.cell.quotientAndRemainder(dividingBy: level.columns)
    let cell = [Double(column), Double(row)]
    var (centres, halves, slopes) = (SIMD2<Double>(), SIMD2<Double>(), SIMD4<Double>())
    for axis in 0..<2 {
      let centre = coding.centre(logit(axis))
      centres[axis] = (centre.value + cell[axis]) * Double(level.stride)
      slopes[axis] = centre.slope * Double(level.stride)
      let anchor = anchors[positive.level][positive.anchor][axis]
      let extent = coding.extent(logit(2 + axis))
      halves[axis] = extent.value * anchor / 2
      slopes[2 + axis] = extent.slope * anchor
    }
    return (
      SIMD4(lowHalf: centres - halves, highHalf: centres + halves), slopes
    )
  }

  /// The box part of a positive, in the first element; adds its gradient.
  private func box(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox, _ positive: AnchorAssignment.Positive,
    _ share: Double
  ) -> SIMD4<Double> {
    let level = levels[positive.level]
    let map = maps[level.box.map]
    let (found, slopes) = predicted(maps, image, positive)
    let measured = BoxOverlap(found, target.box.corners, overlap)
    let g = measured.gradient
    let byBox = SIMD4(g.x + g.z, g.y + g.w, (g.z - g.x) / 2, (g.w - g.y) / 2)
    let gradient = -byBox * slopes * (gains.box * share)
    for field in 0..<4 {
      map.gradient[offset(map, image, positive, field: field)] += Float(gradient[field])
    }
    return SIMD4(gains.box * share * (1 - measured.value), 0, 0, 0)
  }

  /// The class part of a positive; adds its gradient.
  private func label(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox, _ positive: AnchorAssignment.Positive,
    _ share: Double
  ) -> Double {
    guard classes > 1 else { return 0 }
    let map = maps[levels[positive.level].box.map]
    // The mean over classes times C/80 is the sum over 80.
    let factor = gains.classes * share / 80
    var sum = 0.0
    for label in 0..<classes {
      let at = offset(map, image, positive, field: 5 + label)
      let (loss, slope) = binaryCrossEntropy(
        map.values[at], label == target.classIndex ? 1 : 0)
      sum += Double(loss)
      map.gradient[at] += Float(factor) * slope
    }
    return factor * sum
  }

  /// The objectness part of an image; adds its gradient.
  private func objectness(
    _ maps: [RawMap], _ image: Int, _ positives: [AnchorAssignment.Positive], images: Int
  ) -> Double {
    var total = 0.0
    for (scaleIndex, level) in levels.enumerated() {
      let map = maps[level.box.map]
      let count = anchors[scaleIndex].count
      let factor =
        gains.objectness * balances[scaleIndex] * scale / Double(count * level.cells * images)
      var aims: [Int: Double] = [:]
      for positive in positives where positive.level == scaleIndex {
        let place = positive.anchor * level.cells + positive.cell
        aims[place] = max(aims[place] ?? 0, positive.overlap)
      }
      var sum = 0.0
      for anchor in 0..<count {
        let start = map.offset(image: image, channel: level.box.first + anchor * fields + 4)
        for cell in 0..<level.cells {
          let (loss, slope) = binaryCrossEntropy(map.values[start + cell], 0)
          sum += Double(loss)
          map.gradient[start + cell] += Float(factor) * slope
        }
      }
      // BCE(x, t) = BCE(x, 0) − x·t.
      for (place, aim) in aims.sorted(by: { $0.key < $1.key }) {
        let (anchor, cell) = place.quotientAndRemainder(dividingBy: level.cells)
        let at = map.offset(image: image, channel: level.box.first + anchor * fields + 4) + cell
        sum -= Double(map.values[at]) * aim
        map.gradient[at] -= Float(factor * aim)
      }
      total += factor * sum
    }
    return total
  }
}

extension LossFamily {
  /// ``YOLOv5Loss`` with the anchors and the coding of the head.
  static let yolov5 = LossFamily(name: "yolov5") { head in
    var loss = YOLOv5Loss(
      levels: head.levels, anchors: head.configuration.anchors,
      classes: head.configuration.classes.count)
    loss.coding = head.coding
    return loss
  }
}
