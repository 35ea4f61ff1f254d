import Foundation
import Tensors

/// COCO's detection metric, with the same numbers as pycocotools' `COCOeval` with
/// `iouType = "bbox"`.
///
/// Detections of a class are matched image by image, the most confident first, to the unmatched
/// label with the highest IoU. Crowds match any number of times. Crowds and labels outside the area
/// range count neither as correct nor as wrong. Precision is made monotone and read at 101 recalls.
///
/// Reference: Lin et al., *Microsoft COCO*, ECCV 2014, arXiv:1405.0312.
public struct CocoEvaluation: Sendable {
  /// The twelve numbers.
  public var summary: CocoSummary
  /// One entry for each category of the data set.
  public var classes: [ClassPrecision]

  static let thresholds = spaced(from: 0.5, to: 0.95, count: 10)
  static let recalls = spaced(from: 0, to: 1, count: 101)
  static let areas: [(Double, Double)] = [
    (0, 1e10), (0, 32 * 32), (32 * 32, 96 * 96), (96 * 96, 1e10),
  ]
  static let limits = [1, 10, 100]

  /// Equally spaced numbers, rounded as `numpy.linspace` rounds them.
  private static func spaced(from first: Double, to last: Double, count: Int) -> [Double] {
    let step: Double = (last - first) / Double(count - 1)
    var values: [Double] = (0..<count).map { Double($0) * step + first }
    values[count - 1] = last
    return values
  }

  /// Scores detections against the labels of a data set.
  ///
  /// Detections in images or of categories that the data set does not have are skipped.
  public init(_ dataset: Dataset, detections: [DetectionRecord], pool: ThreadPool) {
    let table = MatchTable(dataset, detections)
    nonisolated(unsafe) let results = UnsafeMutablePointer<ClassResult>.allocate(
      capacity: dataset.categories.count)
    results.initialize(repeating: ClassResult(), count: dataset.categories.count)
    defer {
      results.deinitialize(count: dataset.categories.count)
      results.deallocate()
    }
    pool.forEach(dataset.categories.count) { results[$0] = table.evaluate(category: $0) }
    let all = (0..<dataset.categories.count).map { results[$0] }
    func mean(_ values: [Double]) -> Double {
      values.isEmpty ? -1 : values.reduce(0, +) / Double(values.count)
    }
    func precision(_ area: Int, _ thresholds: Range<Int>) -> Double {
      mean(
        all.filter { $0.objects[area] > 0 }.map { result in
          mean(thresholds.map { result.averagePrecision[area][$0] })
        })
    }
    func recall(_ area: Int, _ limit: Int) -> Double {
      mean(all.filter { $0.objects[area] > 0 }.map { mean($0.recall[area][limit]) })
    }
    summary = CocoSummary(
      ap: precision(0, 0..<10), ap50: precision(0, 0..<1), ap75: precision(0, 5..<6),
      apSmall: precision(1, 0..<10), apMedium: precision(2, 0..<10),
      apLarge: precision(3, 0..<10), ar1: recall(0, 0), ar10: recall(0, 1), ar100: recall(0, 2),
      arSmall: recall(1, 2), arMedium: recall(2, 2), arLarge: recall(3, 2))
    classes = zip(dataset.categories, all).map { category, result in
      let counts = result.objects[0] > 0
      return ClassPrecision(
        id: category.id, name: category.name, objects: result.objects[0],
        ap: counts ? mean(result.averagePrecision[0]) : -1,
        ap50: counts ? result.averagePrecision[0][0] : -1,
        ar100: counts ? mean(result.recall[0][2]) : -1, precisionAt50: result.curve)
    }
  }
}

/// The results of one class, by area range.
struct ClassResult {
  /// The number of labels that count.
  var objects = [Int](repeating: 0, count: 4)
  /// The average precision, by area range and IoU threshold.
  var averagePrecision: [[Double]] = []
  /// The recall, by area range, detection limit and IoU threshold.
  var recall: [[[Double]]] = []
  /// Precision at the 101 recalls, all areas, IoU .50.
  var curve: [Double] = []
}
