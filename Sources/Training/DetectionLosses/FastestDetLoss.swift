import Foundation
import ObjectDetection
import Tensors

/// The loss of heads with one objectness, one box and a softmax of classes in each cell:
/// FastestDet.
///
/// Boxes have the centre `(cell + tanh)·stride` and the extents `σ·image`. The four cells around an
/// object's centre, its own and the next to the right, below and both, are its candidates. Those
/// whose boxes overlap it more than the mean over the batch are positive. The loss is the sum of
/// three parts:
///
/// - box: `8 · mean (1 − CIoU)` over the positives;
/// - objectness: `16 · (¼ · mean ½(σ − IoU)² of positives + ¾ · mean ½σ² of all other cells)`, the
///   mean over the images;
/// - class: `mean −log softmax` over the positives.
///
/// Reference: the training code of FastestDet, dog-qiuqiu, 2022. Deviates in CIoU where that has
/// SIoU.
public struct FastestDetLoss: DetectionLoss {
  /// A cell that is assigned to an object.
  public struct Positive: Sendable, Equatable {
    /// The scale.
    public var level: Int
    /// The cell of the scale.
    public var cell: Int
    /// The index of the object in the image.
    public var target: Int
    /// The overlap of the predicted box with the object when it was assigned: the target of
    /// objectness.
    public var overlap: Double
  }

  /// The scales.
  public var levels: [HeadLevel]
  /// The number of classes.
  public var classes: Int
  /// What the parts are multiplied by.
  public var gains = (box: 8.0, objectness: 16.0, classes: 1.0)
  /// How a box is compared with its object.
  public var overlap = BoxOverlap.Measure.ciou

  /// The loss of a head of the given scales, each with channels of objectness.
  public init(levels: [HeadLevel], classes: Int) {
    (self.levels, self.classes) = (levels, classes)
  }

  /// Box, objectness and class.
  public var partNames: [String] { ["box", "object", "class"] }

  /// The loss of a batch, see ``FastestDetLoss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, positives: positives(maps, targets, pool: pool), pool: pool)
  }

  /// The positive cells of each image.
  public func positives(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [[Positive]] {
    var considered = targets.map { objects in
      objects.enumerated().flatMap { index, object in
        levels.indices.flatMap { candidates(of: object, index, level: $0) }
      }
    }
    for image in considered.indices {
      for index in considered[image].indices {
        let positive = considered[image][index]
        let box = predicted(maps, image, positive).box
        let truth = targets[image][positive.target].box.corners
        considered[image][index].overlap = max(0, BoxOverlap(box, truth, .iou).value)
      }
    }
    let count = considered.reduce(0) { $0 + $1.count }
    let mean = considered.joined().reduce(0) { $0 + $1.overlap } / Double(max(count, 1))
    return considered.map { found in
      // A cell answers for the object that it overlaps most.
      var owner: [[Int]: Positive] = [:]
      for candidate in found where candidate.overlap >= mean {
        let place = [candidate.level, candidate.cell]
        if let other = owner[place], other.overlap >= candidate.overlap { continue }
        owner[place] = candidate
      }
      return owner.values.sorted { ($0.level, $0.cell) < ($1.level, $1.cell) }
    }
  }

  private func candidates(of object: LabelledBox, _ target: Int, level: Int) -> [Positive] {
    let scale = levels[level]
    let column = Int(
      ((object.box.left + object.box.right) / 2 / Double(scale.stride)).rounded(.down))
    let row = Int(((object.box.top + object.box.bottom) / 2 / Double(scale.stride)).rounded(.down))
    return [(0, 0), (1, 0), (0, 1), (1, 1)].compactMap { right, below in
      guard (0..<scale.columns).contains(column + right), (0..<scale.rows).contains(row + below)
      else { return nil }
      return Positive(
        level: level, cell: (row + below) * scale.columns + column + right, target: target,
        overlap: 0)
    }
  }

  /// The loss of a batch under given assignments, which are constants for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], positives: [[Positive]], pool: ThreadPool
  ) -> LossValue {
    let share = 1 / Double(max(1, positives.reduce(0) { $0 + $1.count }))
    let parts = Slots<SIMD4<Double>>(targets.count, SIMD4())
    pool.forEach(targets.count) { image in
      var sums = SIMD4<Double>()
      for positive in positives[image] {
        let target = targets[image][positive.target]
        sums.x += box(maps, image, target, positive, gains.box * share)
        sums.z += label(maps, image, target, positive, gains.classes * share)
      }
      sums.y = objectness(
        maps, image, positives[image], gains.objectness / Double(targets.count))
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD4<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y, sums.z])
  }

  // MARK: Parts

  private func place(
    _ maps: [RawMap], _ channels: HeadLevel.Channels, _ channel: Int, _ image: Int, _ cell: Int
  ) -> Int {
    maps[channels.map].offset(image: image, channel: channels.first + channel) + cell
  }

  /// The predicted box in pixels, and the derivatives of centre and extents by the four logits.
  private func predicted(
    _ maps: [RawMap], _ image: Int, _ positive: Positive
  ) -> (box: SIMD4<Double>, slopes: SIMD4<Double>) {
    let level = levels[positive.level]
    let map = maps[level.box.map]
    let (row, column) = positive.cell.quotientAndRemainder(dividingBy: level.columns)
    let (stride, cell) = (Double(level.stride), [Double(column), Double(row)])
    let extents = [Double(level.columns) * stride, Double(level.rows) * stride]
    var (centres, halves, slopes) = (SIMD2<Double>(), SIMD2<Double>(), SIMD4<Double>())
    for axis in 0..<2 {
      func logit(_ channel: Int) -> Float {
        map.values[place(maps, level.box, channel, image, positive.cell)]
      }
      let shift = tanh(Double(logit(axis)))
      let part = Double(sigmoid(logit(2 + axis)))
      centres[axis] = (cell[axis] + shift) * stride
      halves[axis] = part * extents[axis] / 2
      slopes[axis] = (1 - shift * shift) * stride
      slopes[2 + axis] = part * (1 - part) * extents[axis]
    }
    return (SIMD4(lowHalf: centres - halves, highHalf: centres + halves), slopes)
  }

  private func box(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox, _ positive: Positive, _ share: Double
  ) -> Double {
    let level = levels[positive.level]
    let (found, slopes) = predicted(maps, image, positive)
    let measured = BoxOverlap(found, target.box.corners, overlap)
    let g = measured.gradient
    let byBox = SIMD4(g.x + g.z, g.y + g.w, (g.z - g.x) / 2, (g.w - g.y) / 2)
    let gradient = -byBox * slopes * share
    for channel in 0..<4 {
      maps[level.box.map].gradient[place(maps, level.box, channel, image, positive.cell)] +=
        Float(gradient[channel])
    }
    return share * (1 - measured.value)
  }

  private func label(
    _ maps: [RawMap], _ image: Int, _ target: LabelledBox, _ positive: Positive, _ share: Double
  ) -> Double {
    let channels = levels[positive.level].classes
    let map = maps[channels.map]
    let places = (0..<classes).map { place(maps, channels, $0, image, positive.cell) }
    let highest = places.reduce(-Double.infinity) { max($0, Double(map.values[$1])) }
    let sum = places.reduce(0.0) { $0 + exp(Double(map.values[$1]) - highest) }
    for (label, at) in places.enumerated() {
      let probability = exp(Double(map.values[at]) - highest) / sum
      map.gradient[at] += Float(share * (probability - (label == target.classIndex ? 1 : 0)))
    }
    return share * (log(sum) + highest - Double(map.values[places[target.classIndex]]))
  }

  /// The objectness part of an image; adds its gradient.
  private func objectness(
    _ maps: [RawMap], _ image: Int, _ positives: [Positive], _ share: Double
  ) -> Double {
    let cells = levels.reduce(0) { $0 + $1.cells }
    let positiveShare = 0.25 / Double(max(positives.count, 1))
    let otherShare = 0.75 / Double(max(cells - positives.count, 1))
    let aims = Dictionary(
      positives.map { ([$0.level, $0.cell], $0.overlap) }, uniquingKeysWith: max)
    var sum = 0.0
    for (index, level) in levels.enumerated() {
      guard let channels = level.objectness else { continue }
      let map = maps[channels.map]
      for cell in 0..<level.cells {
        let at = place(maps, channels, 0, image, cell)
        let sigma = Double(sigmoid(map.values[at]))
        let aim = positives.isEmpty ? nil : aims[[index, cell]]
        let factor = share * (aim == nil ? otherShare : positiveShare)
        let error = sigma - (aim ?? 0)
        sum += factor * error * error / 2
        map.gradient[at] += Float(factor * error * sigma * (1 - sigma))
      }
    }
    return sum
  }
}

extension LossFamily {
  /// ``FastestDetLoss``.
  static let fastestDet = LossFamily(name: "fastestdet") { head in
    FastestDetLoss(levels: head.levels, classes: head.configuration.classes.count)
  }
}
