import ObjectDetection
import TestSupport
import Testing

/// Suppression against the definition: a box stays unless a kept, better box of its class overlaps
/// it too much.
@Suite struct NonMaximumSuppressionTests {
  /// Repeatedly takes the best box that is left, later ones first among equals, and strikes its
  /// rivals.
  private func naive(_ boxes: [Detection], iou: Double, limit: Int, most: Int) -> [Detection] {
    var left = Array(boxes.enumerated())
    // The candidates: the most confident, as a stable sort turned round gives them.
    left.sort { a, b in
      a.element.confidence != b.element.confidence
        ? a.element.confidence > b.element.confidence : a.offset > b.offset
    }
    var rest = left.prefix(limit).map(\.element)
    var kept: [Detection] = []
    while let best = rest.first, kept.count < most {
      kept.append(best)
      rest.removeFirst()
      rest.removeAll { $0.classIndex == best.classIndex && best.box.iou($0.box) > iou }
    }
    return kept
  }

  private func scene(_ count: Int, ties: Bool, _ random: inout SplitMix64) -> [Detection] {
    (0..<count).map { _ in
      let x = Double.random(in: 0..<200, using: &random)
      let y = Double.random(in: 0..<200, using: &random)
      let w = Double.random(in: 10..<80, using: &random)
      let h = Double.random(in: 10..<80, using: &random)
      let score = Double.random(in: 0..<1, using: &random)
      return Detection(
        box: Box(x: x, y: y, width: w, height: h),
        classIndex: Int.random(in: 0..<3, using: &random),
        confidence: ties ? (score * 4).rounded() / 4 : score)
    }
  }

  @Test(arguments: [0.2, 0.45, 0.65, 0.9], [false, true])
  func keptBoxesAreThoseOfTheDefinition(_ iou: Double, _ ties: Bool) {
    var random = SplitMix64(seed: 21)
    for count in [0, 1, 2, 50, 300] {
      let boxes = scene(count, ties: ties, &random)
      for (limit, most) in [(3000, 100), (40, 100), (3000, 7)] {
        let ours = NonMaximumSuppression(
          iouThreshold: iou, candidateLimit: limit, maxDetections: most)(boxes)
        #expect(ours == naive(boxes, iou: iou, limit: limit, most: most))
      }
    }
  }

  @Test func classesDoNotSuppressEachOther() {
    let box = Box(x: 0, y: 0, width: 10, height: 10)
    let both = [
      Detection(box: box, classIndex: 0, confidence: 0.9),
      Detection(box: box, classIndex: 1, confidence: 0.8),
      Detection(box: box, classIndex: 0, confidence: 0.7),
    ]
    #expect(NonMaximumSuppression(iouThreshold: 0.5)(both) == Array(both.prefix(2)))
  }

  @Test func anOverlapOfExactlyTheThresholdStays() {
    // 10 × 10 against the 10 × 20 that holds it: IoU ½.
    let pair = [
      Detection(
        box: Box(x: 0, y: 0, width: 10, height: 20), classIndex: 0, confidence: 0.9),
      Detection(
        box: Box(x: 0, y: 0, width: 10, height: 10), classIndex: 0, confidence: 0.8),
    ]
    #expect(NonMaximumSuppression(iouThreshold: 0.5)(pair).count == 2)
    #expect(NonMaximumSuppression(iouThreshold: 0.49)(pair).count == 1)
  }

  @Test func boxesWithoutAreaAndWithoutConfidenceAreHarmless() {
    let flat = Box(x: 5, y: 5, width: 0, height: 0)
    let odd = [
      Detection(box: flat, classIndex: 0, confidence: 0.5),
      Detection(box: flat, classIndex: 0, confidence: 0.4),
      Detection(box: flat, classIndex: 0, confidence: .nan),
    ]
    #expect(NonMaximumSuppression(iouThreshold: 0.5)(odd).count == 2)
  }
}
