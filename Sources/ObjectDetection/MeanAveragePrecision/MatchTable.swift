/// Labels and detections sorted by class and image.
struct MatchTable: Sendable {

  private let records: [DetectionRecord]
  private let annotations: [Dataset.Annotation]
  private let imageCount: Int
  /// By class: indices of detections and labels, with the index of their image, sorted by image.
  private let detections: [[(image: Int32, index: Int32)]]
  private let labels: [[(image: Int32, index: Int32)]]

  init(_ dataset: Dataset, _ records: [DetectionRecord]) {
    self.records = records
    annotations = dataset.annotations
    imageCount = dataset.images.count
    let imageOf = Dictionary(
      dataset.images.enumerated().map { ($1.id, Int32($0)) }, uniquingKeysWith: { a, _ in a })
    let classOf = Dictionary(
      dataset.categories.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
    var detections = [[(image: Int32, index: Int32)]](
      repeating: [], count: dataset.categories.count)
    for (index, record) in records.enumerated() {
      guard let image = imageOf[record.image], let category = classOf[record.category] else {
        continue
      }
      detections[category].append((image, Int32(index)))
    }
    var labels = [[(image: Int32, index: Int32)]](repeating: [], count: dataset.categories.count)
    for (index, annotation) in dataset.annotations.enumerated() {
      guard let category = classOf[annotation.category] else { continue }
      labels[category].append((Int32(annotation.image), Int32(index)))
    }
    for category in detections.indices {
      // Within an image by descending score, then in the given order.
      detections[category].sort {
        if $0.image != $1.image { return $0.image < $1.image }
        let (a, b) = (records[Int($0.index)].score, records[Int($1.index)].score)
        return a != b ? a > b : $0.index < $1.index
      }
      labels[category].sort { ($0.image, $0.index) < ($1.image, $1.index) }
    }
    self.detections = detections
    self.labels = labels
  }

  /// One detection after matching: for each threshold a bit for "matched" and one for "does not
  /// count".
  struct Outcome: Sendable {
    var score: Double
    /// The index of its image.
    var image: Int32
    var order: Int32
    var rank: Int32
    var matched: UInt16
    var ignored: UInt16
  }

  func evaluate(category: Int) -> ClassResult {
    var (outcomes, result, _) = matches(category: category)
    for area in CocoEvaluation.areas.indices {
      accumulate(&outcomes[area], area: area, into: &result)
    }
    return result
  }

  /// The detections of a class over all areas, the most confident first, and its labels that count
  /// in each image.
  func samples(category: Int) -> (outcomes: [Outcome], objects: [Int32]) {
    let (outcomes, _, objects) = matches(category: category)
    return (outcomes[0].sorted(by: Self.isBefore), objects)
  }

  /// Matches a class image by image; outcomes by area in the order of the images.
  private func matches(
    category: Int
  ) -> (outcomes: [[Outcome]], result: ClassResult, objects: [Int32]) {
    var result = ClassResult()
    var outcomes = [[Outcome]](repeating: [], count: CocoEvaluation.areas.count)
    var objects = [Int32](repeating: 0, count: imageCount)
    var workspace = Workspace()
    var (d, l) = (0, 0)
    let (detections, labels) = (self.detections[category], self.labels[category])
    while d < detections.count || l < labels.count {
      let image = min(
        d < detections.count ? detections[d].image : .max,
        l < labels.count ? labels[l].image : .max)
      let (firstDetection, firstLabel) = (d, l)
      while d < detections.count, detections[d].image == image { d += 1 }
      while l < labels.count, labels[l].image == image { l += 1 }
      let before = result.objects[0]
      match(
        detections[firstDetection..<min(d, firstDetection + 100)], labels[firstLabel..<l], image,
        &workspace, &outcomes, &result)
      objects[Int(image)] = Int32(result.objects[0] - before)
    }
    return (outcomes, result, objects)
  }

  /// By descending score, then in the order of matching.
  private static func isBefore(_ a: Outcome, _ b: Outcome) -> Bool {
    a.score != b.score ? a.score > b.score : a.order < b.order
  }

  // MARK: Matching in one image

  private struct Workspace {
    var ious: [Double] = []
    var order: [Int] = []
    var ignored: [Bool] = []
    var taken: [Bool] = []
    var matched: [UInt16] = []
    var skipped: [UInt16] = []
  }

  private func match(
    _ found: ArraySlice<(image: Int32, index: Int32)>,
    _ wanted: ArraySlice<(image: Int32, index: Int32)>, _ image: Int32, _ w: inout Workspace,
    _ outcomes: inout [[Outcome]], _ result: inout ClassResult
  ) {
    let labels = wanted.map { annotations[Int($0.index)] }
    let count = found.count
    w.ious.removeAll(keepingCapacity: true)
    for entry in found {
      for label in labels { w.ious.append(Self.iou(records[Int(entry.index)], label)) }
    }
    for (area, range) in CocoEvaluation.areas.enumerated() {
      w.ignored = labels.map {
        $0.isCrowd || $0.isDifficult || $0.area < range.0 || $0.area > range.1
      }
      // Labels that count come first; otherwise the given order stays.
      w.order = labels.indices.filter { !w.ignored[$0] } + labels.indices.filter { w.ignored[$0] }
      result.objects[area] += w.ignored.reduce(0) { $0 + ($1 ? 0 : 1) }
      w.matched = [UInt16](repeating: 0, count: count)
      w.skipped = [UInt16](repeating: 0, count: count)
      if !labels.isEmpty {
        for threshold in CocoEvaluation.thresholds.indices {
          assign(count, labels, threshold: threshold, &w)
        }
      }
      for (rank, entry) in found.enumerated() {
        let record = records[Int(entry.index)]
        let size = record.width * record.height
        var ignored = w.skipped[rank]
        if size < range.0 || size > range.1 { ignored |= ~w.matched[rank] }
        outcomes[area].append(
          Outcome(
            score: record.score, image: image, order: Int32(outcomes[area].count),
            rank: Int32(rank), matched: w.matched[rank], ignored: ignored))
      }
    }
  }

  private func assign(
    _ count: Int, _ labels: [Dataset.Annotation], threshold: Int, _ w: inout Workspace
  ) {
    let bit = UInt16(1) << UInt16(threshold)
    w.taken = [Bool](repeating: false, count: labels.count)
    for detection in 0..<count {
      var best = min(CocoEvaluation.thresholds[threshold], 1 - 1e-10)
      var choice = -1
      for label in w.order {
        if w.taken[label] && !labels[label].isCrowd { continue }
        if choice >= 0, !w.ignored[choice], w.ignored[label] { break }
        let iou = w.ious[detection * labels.count + label]
        if iou < best { continue }
        best = iou
        choice = label
      }
      guard choice >= 0 else { continue }
      w.taken[choice] = true
      if w.ignored[choice] { w.skipped[detection] |= bit }
      // As in pycocotools, a label with id 0 is matched, but the detection does not count as
      // correct.
      if labels[choice].id != 0 { w.matched[detection] |= bit }
    }
  }

  private static func iou(_ d: DetectionRecord, _ g: Dataset.Annotation) -> Double {
    let w = min(d.x + d.width, g.x + g.width) - max(d.x, g.x)
    guard w > 0 else { return 0 }
    let h = min(d.y + d.height, g.y + g.height) - max(d.y, g.y)
    guard h > 0 else { return 0 }
    let (own, other) = (d.width * d.height, g.width * g.height)
    return w * h / (g.isCrowd ? own : own + other - w * h)
  }

  // MARK: Precision and recall of one class

  private func accumulate(_ outcomes: inout [Outcome], area: Int, into result: inout ClassResult) {
    outcomes.sort(by: Self.isBefore)
    let objects = result.objects[area]
    var precision: [Double] = []
    var recalls = [[Double]](repeating: [], count: CocoEvaluation.limits.count)
    for threshold in CocoEvaluation.thresholds.indices {
      for (index, limit) in CocoEvaluation.limits.enumerated() where area == 0 || limit == 100 {
        let needsCurve = limit == 100
        let (recall, curve) = Self.curve(
          outcomes, bit: UInt16(1) << UInt16(threshold), limit: limit, objects: objects,
          needsCurve: needsCurve)
        recalls[index].append(recall)
        guard needsCurve else { continue }
        precision.append(curve.reduce(0, +) / Double(CocoEvaluation.recalls.count))
        if area == 0, threshold == 0, objects > 0 { result.curve = curve }
      }
    }
    result.averagePrecision.append(precision)
    result.recall.append(recalls)
  }

  /// The highest recall, and precision at the 101 recalls.
  private static func curve(
    _ outcomes: [Outcome], bit: UInt16, limit: Int, objects: Int, needsCurve: Bool
  ) -> (Double, [Double]) {
    guard objects > 0 else { return (0, []) }
    var (right, wrong) = (0.0, 0.0)
    var recall: [Double] = []
    var precision: [Double] = []
    if needsCurve {
      recall.reserveCapacity(outcomes.count)
      precision.reserveCapacity(outcomes.count)
    }
    for outcome in outcomes where Int(outcome.rank) < limit {
      if outcome.ignored & bit == 0 {
        if outcome.matched & bit != 0 { right += 1 } else { wrong += 1 }
      }
      if needsCurve {
        recall.append(right / Double(objects))
        precision.append(right / (wrong + right + Double.ulpOfOne))
      }
    }
    let highest = right / Double(objects)
    guard needsCurve else { return (highest, []) }
    for index in precision.indices.dropLast().reversed()
    where precision[index + 1] > precision[index] {
      precision[index] = precision[index + 1]
    }
    var at = 0
    let curve = CocoEvaluation.recalls.map { wanted in
      while at < recall.count, recall[at] < wanted { at += 1 }
      return at < recall.count ? precision[at] : 0
    }
    return (highest, curve)
  }
}
