import Tensors

/// A detector's matches kept by image, so that it can be scored again on samples of the images.
///
/// A sample draws as many images as there are, with replacement. The spread of the score over
/// samples shows how much it depends on the choice of images (the bootstrap).
///
/// Reference: Efron, *Bootstrap Methods: Another Look at the Jackknife*, Annals of Statistics 7(1),
/// 1979.
public struct ResampledPrecision: Sendable {
  /// One detection that counts at some threshold.
  private struct Entry: Sendable {
    var image: Int32
    var isRight: Bool
  }

  /// One class.
  private struct Class: Sendable {
    /// The detections by threshold, the most confident first.
    var entries: [[Entry]]
    /// The number of labels that count, by image.
    var objects: [Int32]
    var outcomes: [MatchTable.Outcome]
  }

  private let classes: [Class]
  private let imageCount: Int

  /// Matches detections to the labels of a data set, as ``CocoEvaluation`` does.
  public init(_ dataset: Dataset, detections: [DetectionRecord], pool: ThreadPool) {
    let table = MatchTable(dataset, detections)
    imageCount = dataset.images.count
    let made = try? pool.map(dataset.categories.count) { category in
      let (outcomes, objects) = table.samples(category: category)
      let entries = CocoEvaluation.thresholds.indices.map { threshold in
        let bit = UInt16(1) << UInt16(threshold)
        return outcomes.filter { $0.ignored & bit == 0 }.map {
          Entry(image: $0.image, isRight: $0.matched & bit != 0)
        }
      }
      return Class(entries: entries, objects: objects, outcomes: outcomes)
    }
    classes = made ?? []
  }

  /// COCO AP with each image counted so many times; −1 without objects.
  ///
  /// - Precondition: there is a weight for each image.
  public func ap(weights: [Int32]) -> Double {
    var (sum, count) = (0.0, 0)
    for own in classes {
      let objects = zip(own.objects, weights).reduce(0) { $0 + Int($1.0) * Int($1.1) }
      guard objects > 0 else { continue }
      let precisions = own.entries.map { Self.precision($0, weights, objects: objects) }
      sum += precisions.reduce(0, +) / Double(precisions.count)
      count += 1
    }
    return count == 0 ? -1 : sum / Double(count)
  }

  /// COCO AP of `count` samples of the images.
  ///
  /// The seed alone decides which images a sample draws, so that detectors are compared on the same
  /// samples.
  ///
  /// - Complexity: samples × thresholds × detections.
  public func samples(_ count: Int, seed: UInt64, pool: ThreadPool) -> [Double] {
    let samples = try? pool.map(count) { index in
      var random = CounterRandom(seed: seed, stream: Self.stream + UInt64(index))
      var weights = [Int32](repeating: 0, count: imageCount)
      for _ in 0..<imageCount { weights[Int.random(in: 0..<imageCount, using: &random)] += 1 }
      return ap(weights: weights)
    }
    return samples ?? []
  }

  /// COCO AP with each part of the images left out (the delete-a-group jackknife).
  ///
  /// Image i is of part i modulo the number of parts.
  public func leavingOut(parts: Int, pool: ThreadPool) -> [Double] {
    let parts = min(parts, imageCount)
    guard parts > 1 else { return [] }
    let scores = try? pool.map(parts) { part in
      ap(weights: (0..<imageCount).map { $0 % parts == part ? 0 : 1 })
    }
    return scores ?? []
  }

  /// The stream that keeps these random numbers apart from others of the same seed.
  private static let stream: UInt64 = 0xb007_0000_0000

  /// Recall and precision of all classes together at IoU .50 when boxes below a confidence are not
  /// shown.
  ///
  /// The result is `nil` without objects. Precision is 1 when nothing is shown.
  public func operatingPoint(confidence: Double) -> (recall: Double, precision: Double)? {
    let objects = classes.reduce(0) { $0 + $1.objects.reduce(0) { $0 + Int($1) } }
    guard objects > 0 else { return nil }
    var (right, shown) = (0, 0)
    for outcome in classes.flatMap(\.outcomes)
    where outcome.score >= confidence && outcome.ignored & 1 == 0 {
      shown += 1
      right += outcome.matched & 1 == 0 ? 0 : 1
    }
    return (
      Double(right) / Double(objects), shown == 0 ? 1 : Double(right) / Double(shown)
    )
  }

  /// Mean precision at the 101 recalls.
  ///
  /// Precision is highest right after a correct detection, so only such points are kept.
  private static func precision(_ entries: [Entry], _ weights: [Int32], objects: Int) -> Double {
    var (right, wrong) = (0.0, 0.0)
    var recalls: [Double] = []
    var precisions: [Double] = []
    for entry in entries {
      let weight = Double(weights[Int(entry.image)])
      guard weight > 0 else { continue }
      guard entry.isRight else {
        wrong += weight
        continue
      }
      right += weight
      recalls.append(right / Double(objects))
      precisions.append(right / (wrong + right + Double.ulpOfOne))
    }
    for index in precisions.indices.dropLast().reversed()
    where precisions[index + 1] > precisions[index] {
      precisions[index] = precisions[index + 1]
    }
    var (at, sum) = (0, 0.0)
    for wanted in CocoEvaluation.recalls {
      while at < recalls.count, recalls[at] < wanted { at += 1 }
      guard at < recalls.count else { break }
      sum += precisions[at]
    }
    return sum / Double(CocoEvaluation.recalls.count)
  }
}
