/// Greedy non-maximum suppression, class by class.
public struct NonMaximumSuppression: Sendable, Hashable, Codable {
  /// Overlap above which the less confident of two boxes of a class is dropped.
  public var iouThreshold: Double
  /// The most boxes that take part, the most confident first.
  public var candidateLimit: Int
  /// The most boxes that are kept.
  public var maxDetections: Int

  /// A suppression at the given overlap.
  public init(iouThreshold: Double, candidateLimit: Int = 3000, maxDetections: Int = 100) {
    self.iouThreshold = iouThreshold
    self.candidateLimit = candidateLimit
    self.maxDetections = maxDetections
  }

  /// The boxes that are kept, the most confident first.
  ///
  /// Of equally confident ones the later comes first.
  public func callAsFunction(_ detections: [Detection]) -> [Detection] {
    let ranked = detections.indices.filter { detections[$0].confidence.isFinite }.sorted {
      (detections[$0].confidence, $0) > (detections[$1].confidence, $1)
    }.prefix(candidateLimit)
    var kept: [Detection] = []
    var ofClass: [Int: [Box]] = [:]
    for index in ranked where kept.count < maxDetections {
      let candidate = detections[index]
      let rivals = ofClass[candidate.classIndex, default: []]
      if rivals.contains(where: { overlap($0, candidate.box) > iouThreshold }) { continue }
      kept.append(candidate)
      ofClass[candidate.classIndex, default: []].append(candidate.box)
    }
    return kept
  }

  /// Intersection over union, with the guard against empty unions that reference implementations
  /// have.
  private func overlap(_ a: Box, _ b: Box) -> Double {
    let w = max(0, min(a.right, b.right) - max(a.left, b.left))
    let h = max(0, min(a.bottom, b.bottom) - max(a.top, b.top))
    let areas = a.width * a.height + b.width * b.height
    return w * h / (areas - w * h + 1e-9)
  }
}
