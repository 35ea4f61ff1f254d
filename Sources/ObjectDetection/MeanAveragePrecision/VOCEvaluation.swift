/// How Pascal VOC turns a precision–recall curve into one number.
public enum VOCVariant: String, Sendable, CaseIterable {
  /// The area under the monotone curve (2010 and later).
  case allPoint = "all-point"
  /// The mean of the monotone curve at recall 0, .1 … 1 (2007).
  case elevenPoint = "11-point"
}

/// Pascal VOC's average precision at IoU .5.
///
/// A detection is correct when the label of its class that it overlaps most has an IoU of .5 or
/// more and is not matched yet. Difficult labels count neither as correct nor as wrong. Extents are
/// inclusive in pixels, as in the development kit: a box from 1 to 10 is ten wide.
///
/// Reference: Everingham et al., *The Pascal Visual Object Classes Challenge*, IJCV 2010.
public struct VOCEvaluation: Sendable {
  /// Average precision by category, in the order of the data set; `nil` without objects.
  public var classAP: [Double?]

  /// The mean over categories with objects; −1 without any.
  public var meanAP: Double {
    let known = classAP.compactMap { $0 }
    return known.isEmpty ? -1 : known.reduce(0, +) / Double(known.count)
  }

  /// Scores detections against the labels of a data set.
  public init(_ dataset: Dataset, detections: [DetectionRecord], variant: VOCVariant) {
    let imageOf = Dictionary(
      dataset.images.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
    let byCategory = Dictionary(grouping: detections, by: \.category)
    let labels = Dictionary(grouping: dataset.annotations, by: \.category)
    classAP = dataset.categories.map { category in
      Self.averagePrecision(
        byCategory[category.id] ?? [], labels[category.id] ?? [], imageOf, variant)
    }
  }

  private static func averagePrecision(
    _ detections: [DetectionRecord], _ labels: [Dataset.Annotation], _ imageOf: [Int: Int],
    _ variant: VOCVariant
  ) -> Double? {
    let isCounted = { (label: Dataset.Annotation) in !label.isDifficult && !label.isCrowd }
    let objects = labels.filter(isCounted).count
    guard objects > 0 else { return nil }
    let byImage = Dictionary(grouping: labels.indices, by: { labels[$0].image })
    var taken = [Bool](repeating: false, count: labels.count)
    var (right, wrong) = (0.0, 0.0)
    var curve: [(recall: Double, precision: Double)] = []
    let ranked = detections.indices.sorted {
      (detections[$1].score, $0) < (detections[$0].score, $1)
    }
    for index in ranked {
      let detection = detections[index]
      let rivals = imageOf[detection.image].flatMap { byImage[$0] } ?? []
      let best = rivals.max { overlap(detection, labels[$0]) < overlap(detection, labels[$1]) }
      if let best, overlap(detection, labels[best]) >= 0.5 {
        if !isCounted(labels[best]) { continue }
        if taken[best] { wrong += 1 } else { right += 1 }
        taken[best] = true
      } else {
        wrong += 1
      }
      curve.append((right / Double(objects), right / (right + wrong)))
    }
    return area(curve, variant)
  }

  private static func area(
    _ curve: [(recall: Double, precision: Double)], _ variant: VOCVariant
  ) -> Double {
    var envelope = curve
    for index in envelope.indices.dropLast().reversed() {
      envelope[index].precision = max(envelope[index].precision, envelope[index + 1].precision)
    }
    switch variant {
    case .allPoint:
      var (sum, last) = (0.0, 0.0)
      for point in envelope {
        sum += (point.recall - last) * point.precision
        last = point.recall
      }
      return sum
    case .elevenPoint:
      return (0...10).reduce(0.0) { sum, step in
        sum + (envelope.first { $0.recall >= Double(step) / 10 - 1e-12 }?.precision ?? 0) / 11
      }
    }
  }

  private static func overlap(_ d: DetectionRecord, _ g: Dataset.Annotation) -> Double {
    let w = min(d.x + d.width, g.x + g.width) - max(d.x, g.x) + 1
    let h = min(d.y + d.height, g.y + g.height) - max(d.y, g.y) + 1
    guard w > 0, h > 0 else { return 0 }
    let areas = (d.width + 1) * (d.height + 1) + (g.width + 1) * (g.height + 1)
    return w * h / (areas - w * h)
  }
}
