import Foundation
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// Average precision against pycocotools and a plain Pascal VOC evaluation.
@Suite struct MetricTests {
  struct Golden: Decodable, Sendable, CustomStringConvertible {
    struct Truth: Decodable {
      struct Image: Decodable { var id: Int }
      struct Category: Decodable {
        var id: Int
        var name: String
      }
      struct Label: Decodable {
        var id: Int
        var imageID: Int
        var categoryID: Int
        var bbox: [Double]
        var area: Double
        var iscrowd: Int
        var difficult: Int?

        enum CodingKeys: String, CodingKey {
          case id, bbox, area, iscrowd, difficult
          case imageID = "image_id"
          case categoryID = "category_id"
        }
      }
      var images: [Image]
      var categories: [Category]
      var annotations: [Label]
    }
    struct Result: Decodable {
      var imageID: Int
      var categoryID: Int
      var bbox: [Double]
      var score: Double

      enum CodingKeys: String, CodingKey {
        case bbox, score
        case imageID = "image_id"
        case categoryID = "category_id"
      }
    }
    struct Coco: Decodable {
      struct Class: Decodable {
        var id: Int
        var ap: Double
        var ap50: Double
        var ar100: Double
      }
      var summary: CocoSummary
      var classes: [Class]
    }
    var name: String
    var truth: Truth
    var results: [Result]
    var coco: Coco
    var voc: [String: [String: Double?]]
    var description: String { name }

    /// The labels; difficult ones only where the metric knows them.
    func dataset(difficult: Bool) -> Dataset {
      let place = Dictionary(
        truth.images.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
      return Dataset(
        format: "golden", source: URL(filePath: "/"),
        categories: truth.categories.map { Dataset.Category(id: $0.id, name: $0.name) },
        images: truth.images.map { Dataset.Image(id: $0.id, file: URL(filePath: "/\($0.id)")) },
        annotations: truth.annotations.map { label in
          Dataset.Annotation(
            id: label.id, image: place[label.imageID] ?? 0, category: label.categoryID,
            x: label.bbox[0], y: label.bbox[1], width: label.bbox[2], height: label.bbox[3],
            area: label.area, isCrowd: label.iscrowd != 0,
            isDifficult: difficult && label.difficult == 1)
        })
    }

    var records: [DetectionRecord] {
      results.map {
        DetectionRecord(
          image: $0.imageID, category: $0.categoryID, x: $0.bbox[0], y: $0.bbox[1],
          width: $0.bbox[2], height: $0.bbox[3], score: $0.score)
      }
    }
  }

  static let goldens: [Golden] = DetectionGoldens.load("metrics")

  @Test(arguments: goldens)
  func theTwelveNumbersAndThoseOfEachClassArePycocotools(_ golden: Golden) {
    let ours = CocoEvaluation(
      golden.dataset(difficult: false), detections: golden.records, pool: ThreadPool(threads: 2))
    for (index, name) in CocoSummary.names.enumerated() {
      let (a, b) = (ours.summary.values[index], golden.coco.summary.values[index])
      #expect(abs(a - b) <= Tolerance.metric.bound, "\(name): \(a) against \(b)")
    }
    for (a, b) in zip(ours.classes, golden.coco.classes) {
      #expect(a.id == b.id)
      #expect(abs(a.ap - b.ap) <= Tolerance.metric.bound, "class \(b.id)")
      #expect(abs(a.ap50 - b.ap50) <= Tolerance.metric.bound, "class \(b.id)")
      #expect(abs(a.ar100 - b.ar100) <= Tolerance.metric.bound, "class \(b.id)")
    }
  }

  @Test(arguments: goldens, VOCVariant.allCases)
  func pascalVOCIsThatOfThePlainEvaluation(_ golden: Golden, _ variant: VOCVariant) throws {
    let dataset = golden.dataset(difficult: true)
    let ours = VOCEvaluation(dataset, detections: golden.records, variant: variant)
    let expected = try #require(golden.voc[variant.rawValue])
    for (category, value) in zip(dataset.categories, ours.classAP) {
      let wanted = try #require(expected[category.name])
      #expect((value == nil) == (wanted == nil))
      #expect(abs((value ?? 0) - (wanted ?? 0)) <= Tolerance.metric.bound, "\(category.name)")
    }
    let known = expected.values.compactMap { $0 }
    let mean = known.isEmpty ? -1 : known.reduce(0, +) / Double(known.count)
    #expect(abs(ours.meanAP - mean) <= Tolerance.metric.bound)
  }

  @Test func theGoldensCoverTheHardCases() throws {
    let names = Set(Self.goldens.map(\.name))
    #expect(names.contains("score ties") && names.contains("neither labels nor detections"))
    let nothing = try #require(Self.goldens.first { $0.name == "neither labels nor detections" })
    #expect(nothing.coco.summary.values.allSatisfy { $0 == -1 })
    #expect(Self.goldens.contains { $0.truth.annotations.contains { $0.iscrowd == 1 } })
    #expect(Self.goldens.contains { $0.truth.annotations.contains { $0.difficult == 1 } })
    let scores = Self.goldens.first { $0.name == "score ties" }?.results.map(\.score) ?? []
    #expect(Set(scores).count < scores.count / 4)
  }

  @Test func theOrderOfDetectionsOfDistinctScoresDoesNotMatter() throws {
    let golden = try #require(Self.goldens.first { $0.name == "distinct scores" })
    #expect(Set(golden.results.map(\.score)).count == golden.results.count)
    var random = SplitMix64(seed: 9)
    for _ in 0..<5 {
      let shuffled = golden.records.shuffled(using: &random)
      let ours = CocoEvaluation(
        golden.dataset(difficult: false), detections: shuffled, pool: ThreadPool(threads: 1))
      for (a, b) in zip(ours.summary.values, golden.coco.summary.values) {
        #expect(abs(a - b) <= Tolerance.metric.bound)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func threadsDoNotChangeTheNumbers(_ threads: Int) {
    for golden in Self.goldens {
      let dataset = golden.dataset(difficult: false)
      let one = CocoEvaluation(
        dataset, detections: golden.records, pool: ThreadPool(threads: 1))
      let many = CocoEvaluation(
        dataset, detections: golden.records, pool: ThreadPool(threads: threads))
      #expect(one.summary == many.summary && one.classes == many.classes)
    }
  }

  @Test func difficultObjectsCountNeitherWay() throws {
    func label(_ id: Int, _ x: Double, _ difficult: Bool) -> Dataset.Annotation {
      Dataset.Annotation(
        id: id, image: 0, category: 1, x: x, y: 0, width: 50, height: 50, isDifficult: difficult)
    }
    let dataset = Dataset(
      format: "test", source: URL(filePath: "/"), categories: [Dataset.Category(id: 1, name: "a")],
      images: [Dataset.Image(id: 1, file: URL(filePath: "/1"))],
      annotations: [label(1, 0, false), label(2, 100, true)])
    func record(_ x: Double, _ score: Double) -> DetectionRecord {
      DetectionRecord(image: 1, category: 1, x: x, y: 0, width: 50, height: 50, score: score)
    }
    let found = [record(100, 0.9), record(0, 0.5)]
    let coco = CocoEvaluation(dataset, detections: found, pool: ThreadPool(threads: 1))
    #expect(abs(coco.summary.ap - 1) < Tolerance.metric.bound && coco.summary.ar1 == 0)
    #expect(VOCEvaluation(dataset, detections: found, variant: .allPoint).meanAP == 1)
  }

  @Test func detectionsOfUnknownImagesAndCategoriesArePassedOver() throws {
    let golden = try #require(Self.goldens.first { $0.name == "distinct scores" })
    let strays = [
      DetectionRecord(image: -5, category: 1, x: 0, y: 0, width: 9, height: 9, score: 1),
      DetectionRecord(image: 3, category: 4444, x: 0, y: 0, width: 9, height: 9, score: 1),
    ]
    let dataset = golden.dataset(difficult: false)
    let with = CocoEvaluation(
      dataset, detections: golden.records + strays, pool: ThreadPool(threads: 1))
    let without = CocoEvaluation(
      dataset, detections: golden.records, pool: ThreadPool(threads: 1))
    #expect(with.summary == without.summary)
  }
}
