import ObjectDetection
import Tensors
import Testing

/// mAP on samples of images, against the evaluation of all of them.
@Suite struct ResampledPrecisionTests {
  private static let pool = ThreadPool(threads: 1)
  private static let dataset = Dataset.synthetic(
    count: 12, seed: 1, first: 0, size: 96, pool: pool)

  /// Labels, some shifted, some missed, and wrong boxes of all confidences.
  private static let found: [DetectionRecord] = dataset.annotations.enumerated().flatMap {
    index, label -> [DetectionRecord] in
    let shift = Double(index % 5) * 0.06 * label.width
    let score = 0.1 + 0.8 * (Double(index) * 0.618).truncatingRemainder(dividingBy: 1)
    func record(_ x: Double, _ score: Double) -> DetectionRecord {
      DetectionRecord(
        image: dataset.images[label.image].id, category: label.category, x: x, y: label.y,
        width: label.width, height: label.height, score: score)
    }
    let wrong = record(label.x + 3 * label.width, 1 - score)
    return index % 4 == 0 ? [wrong] : [record(label.x + shift, score), wrong]
  }

  private let table = ResampledPrecision(dataset, detections: found, pool: pool)

  @Test func everyImageOnceIsTheEvaluation() {
    let weights = [Int32](repeating: 1, count: Self.dataset.images.count)
    let score = CocoEvaluation(Self.dataset, detections: Self.found, pool: Self.pool).summary.ap
    #expect(score > 0.1 && score < 0.9)
    #expect(table.ap(weights: weights) == score)
    #expect(table.ap(weights: weights.map { $0 * 0 }) == -1)
  }

  @Test func samplesFollowTheSeedAlone() {
    let samples = table.samples(50, seed: 7, pool: Self.pool)
    #expect(samples == table.samples(50, seed: 7, pool: ThreadPool(threads: 2)))
    #expect(samples != table.samples(50, seed: 8, pool: Self.pool))
    #expect(Set(samples).count > 25)
  }

  /// By counting: every fourth label is missed, the others lie close enough for IoU .50.
  @Test func recallIsCountedAtAConfidence() throws {
    let all = try #require(table.operatingPoint(confidence: 0))
    let labels = Self.dataset.annotations.count
    #expect(all.recall == Double(labels - (labels + 3) / 4) / Double(labels))
    let none = try #require(table.operatingPoint(confidence: 1.1))
    #expect(none.recall == 0 && none.precision == 1)
  }
}
