import Foundation
import ObjectDetection
import Tensors

/// The multibox loss of SSD: maps are logits `[N, priors, C + 1]`, background first, and offsets
/// `[N, priors, 4]`.
///
/// A prior is assigned to the object it overlaps most, if the IoU is at least one half. Each
/// object's best prior is assigned to it in any case. With n positives in the batch, at least 1,
/// the loss is `Σ smooth L1(offset − encoded object) / n + Σ softmax cross-entropy / n`. The
/// cross-entropy is over the positives and three times as many negatives in each image, those with
/// the largest loss.
///
/// Reference: Liu et al., *SSD*, ECCV 2016, arXiv:1512.02325, §2.2.
public struct SSDLoss: DetectionLoss {
  /// The positive and negative priors of an image.
  public struct Choice: Sendable, Equatable {
    /// The positive priors, each with the index of its object.
    public var positives: [(prior: Int, target: Int)]
    /// The priors whose label is the background.
    public var negatives: [Int]

    /// Whether both have the same priors.
    public static func == (a: Choice, b: Choice) -> Bool {
      a.negatives == b.negatives && a.positives.elementsEqual(b.positives) { $0 == $1 }
    }
  }

  /// The priors in network pixels, as left, top, right, bottom.
  public var priors: [SIMD4<Double>]
  /// The number of classes, without the background.
  public var classes: Int
  /// The factors of the offsets of centre and size in decoding.
  public var variances: [Double]
  /// Negatives per positive.
  public var negativeRatio = 3

  /// The loss of a head of the given priors.
  public init(priors: [SIMD4<Double>], classes: Int, variances: [Double] = [0.1, 0.2]) {
    self.priors = priors
    self.classes = classes
    self.variances = variances
  }

  /// Box and class.
  public var partNames: [String] { ["box", "class"] }

  /// The loss of a batch, see ``SSDLoss``.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool
  ) -> LossValue {
    evaluate(maps, targets: targets, choices: choices(maps, targets, pool: pool), pool: pool)
  }

  /// The positive and negative priors of each image.
  public func choices(
    _ maps: [RawMap], _ targets: [[LabelledBox]], pool: ThreadPool
  ) -> [Choice] {
    let slots = Slots<Choice>(targets.count, Choice(positives: [], negatives: []))
    pool.forEach(targets.count) { image in
      let positives = match(targets[image])
      slots[image] = Choice(
        positives: positives,
        negatives: hardest(maps, image, besides: positives))
    }
    return targets.indices.map { slots[$0] }
  }

  /// The loss of a batch for a given choice of priors, which is a constant for the gradient.
  public func evaluate(
    _ maps: [RawMap], targets: [[LabelledBox]], choices: [Choice], pool: ThreadPool
  ) -> LossValue {
    let share = 1 / Double(max(1, choices.reduce(0) { $0 + $1.positives.count }))
    let parts = Slots<SIMD2<Double>>(targets.count, SIMD2())
    pool.forEach(targets.count) { image in
      var sums = SIMD2<Double>()
      for (prior, target) in choices[image].positives {
        let object = targets[image][target]
        sums.x += offsets(maps[1], image, prior, object.box.corners, share)
        sums.y += entropy(maps[0], image, prior, object.classIndex + 1, share)
      }
      for prior in choices[image].negatives {
        sums.y += entropy(maps[0], image, prior, 0, share)
      }
      parts[image] = sums
    }
    let sums = targets.indices.reduce(SIMD2<Double>()) { $0 + parts[$1] }
    return LossValue(parts: [sums.x, sums.y])
  }

  // MARK: Choosing

  private func match(_ targets: [LabelledBox]) -> [(prior: Int, target: Int)] {
    var owner: [Int: (target: Int, overlap: Double)] = [:]
    for (index, target) in targets.enumerated() {
      let overlaps = priors.map { BoxOverlap($0, target.box.corners, .iou).value }
      let best = overlaps.indices.max { (overlaps[$0], $1) < (overlaps[$1], $0) }
      for (prior, overlap) in overlaps.enumerated() where overlap >= 0.5 || prior == best {
        // The best prior of an object is not assigned to another object.
        let claim = prior == best ? overlap + 1 : overlap
        if let other = owner[prior], other.overlap >= claim { continue }
        owner[prior] = (index, claim)
      }
    }
    return owner.sorted { $0.key < $1.key }.map { ($0.key, $0.value.target) }
  }

  private func hardest(
    _ maps: [RawMap], _ image: Int, besides positives: [(prior: Int, target: Int)]
  ) -> [Int] {
    let taken = Set(positives.map(\.prior))
    let wanted = negativeRatio * max(positives.count, 1)
    let losses = priors.indices.filter { !taken.contains($0) }.map { prior in
      (prior: prior, loss: crossEntropy(maps[0], image, prior, 0).loss)
    }
    return losses.sorted { ($1.loss, $0.prior) < ($0.loss, $1.prior) }.prefix(wanted).map(\.prior)
      .sorted()
  }

  // MARK: Parts

  /// Smooth L1 of the offsets of a prior; adds its gradient.
  private func offsets(
    _ map: RawMap, _ image: Int, _ prior: Int, _ truth: SIMD4<Double>, _ share: Double
  ) -> Double {
    let box = priors[prior]
    let (width, height) = (box.z - box.x, box.w - box.y)
    let wanted = [
      (truth.x + truth.z - box.x - box.z) / 2 / (variances[0] * width),
      (truth.y + truth.w - box.y - box.w) / 2 / (variances[0] * height),
      log(max(truth.z - truth.x, 1e-3) / width) / variances[1],
      log(max(truth.w - truth.y, 1e-3) / height) / variances[1],
    ]
    let at = (image * priors.count + prior) * 4
    var sum = 0.0
    for field in 0..<4 {
      let error = Double(map.values[at + field]) - wanted[field]
      sum += abs(error) < 1 ? error * error / 2 : abs(error) - 0.5
      map.gradient[at + field] += Float(share * min(max(error, -1), 1))
    }
    return share * sum
  }

  private func entropy(
    _ map: RawMap, _ image: Int, _ prior: Int, _ label: Int, _ share: Double
  ) -> Double {
    let (loss, highest, sum) = crossEntropy(map, image, prior, label)
    let at = (image * priors.count + prior) * (classes + 1)
    for other in 0...classes {
      let probability = exp(Double(map.values[at + other]) - highest) / sum
      map.gradient[at + other] += Float(share * (probability - (other == label ? 1 : 0)))
    }
    return share * loss
  }

  /// `−log softmax` of a label, with the largest logit and the sum of exponentials relative to it.
  private func crossEntropy(
    _ map: RawMap, _ image: Int, _ prior: Int, _ label: Int
  ) -> (loss: Double, highest: Double, sum: Double) {
    let at = (image * priors.count + prior) * (classes + 1)
    let highest = (0...classes).reduce(-Double.infinity) { max($0, Double(map.values[at + $1])) }
    let sum = (0...classes).reduce(0.0) { $0 + exp(Double(map.values[at + $1]) - highest) }
    return (log(sum) + highest - Double(map.values[at + label]), highest, sum)
  }
}

extension LossFamily {
  /// ``SSDLoss`` with the priors and variances of the configuration.
  static let ssd = LossFamily(name: "ssd") { head in
    SSDLoss(
      priors: head.priors.map(\.corners), classes: head.configuration.classes.count,
      variances: head.configuration.variances)
  }
}
