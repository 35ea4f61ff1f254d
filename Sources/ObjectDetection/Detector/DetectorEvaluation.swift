import Execution
import Foundation
import GraphIR
import Tensors

/// The score of a detector on a data set.
public struct DetectorEvaluation: Sendable {
  /// The twelve numbers.
  public var summary: CocoSummary
  /// Precision by class.
  public var classes: [ClassPrecision]
  /// What the detector found, with the data set's ids.
  public var records: [DetectionRecord]
  /// Images that could not be decoded, with the reason; neither they nor their labels are scored.
  public var skipped: [String]
  /// The images that were scored, with their labels.
  public var scored: Dataset
  /// Remarks on how the detector's classes were matched to the data set's, where that is not
  /// evident.
  public var remarks: [String]

  /// Runs a detector on every image of a data set and scores it.
  ///
  /// Results do not depend on the number of detectors that share the work.
  ///
  /// - Parameters:
  ///   - detectors: Copies of one detector, each on a runtime of its own.
  ///   - skipsBad: Whether images that cannot be decoded are skipped; otherwise they end the run.
  ///   - progress: Called with the number of images that are done.
  /// - Throws: ``HeadError/classes(model:dataset:)``, ``ImageError``, and what the network throws.
  public init(
    _ detectors: [Detector], on dataset: Dataset, skipsBad: Bool = false, pool: ThreadPool,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let workers = ImageWorkers(detectors)
    let mapping = try ClassMapping(workers.configuration.classes, to: dataset.categories)
    let results = try workers.map(
      dataset.images.map(\.source), skipsBad: skipsBad, progress: progress
    ) { index, _, boxes in
      mapping.records(boxes, image: dataset.images[index].id)
    }
    var records: [DetectionRecord] = []
    var skipped: [(image: Int, reason: String)] = []
    for (index, result) in results.enumerated() {
      switch result {
      case .success(let found): records += found
      case .failure(let error): skipped.append((index, "\(error)"))
      }
    }
    scored = dataset.without(images: Set(skipped.map(\.image)))
    let score = CocoEvaluation(scored, detections: records, pool: pool)
    summary = score.summary
    classes = score.classes
    self.records = records
    self.skipped = skipped.map(\.reason)
    remarks = mapping.remarks + [detectors[0].answers.remark].compactMap { $0 }
  }
}

extension DetectorEvaluation {
  /// Runs a network on every image of a data set and scores it: one call from a graph to mAP.
  ///
  /// - Parameter settings: What is said of the head; the rest is recognised.
  /// - Throws: ``HeadError``, ``InputError``, ``ImageError``, and what the network throws.
  public init(
    _ graph: Graph, on dataset: Dataset, settings: HeadSettings = HeadSettings(),
    skipsBad: Bool = false, engine: Engine
  ) throws {
    let detectors = try Detector.workers(
      of: graph, settings: settings, images: dataset.images.count, engine: engine)
    try self.init(
      detectors, on: dataset, skipsBad: skipsBad, pool: ThreadPool(threads: engine.threads))
  }
}

/// Which category of a data set each class of a detector is.
public struct ClassMapping: Sendable, Equatable {
  /// The category id of each class; `nil` for classes the data set does not have.
  public var categories: [Int?]
  /// What is not evident about the mapping, a sentence each.
  public var remarks: [String]

  /// Matches by name, ignoring letter case.
  ///
  /// Every category must be a class, or every class a category. Otherwise they are matched by
  /// position, if there are equally many.
  ///
  /// - Throws: ``HeadError/classes(model:dataset:)``.
  public init(_ classes: [String], to categories: [Dataset.Category]) throws {
    let ids = Dictionary(
      categories.map { ($0.name.lowercased(), $0.id) }, uniquingKeysWith: { first, _ in first })
    let byName = classes.map { ids[$0.lowercased()] }
    let known = Set(byName.compactMap { $0 }).count
    if known == classes.count || known > 0 && known == categories.count {
      self.categories = byName
      let extra = zip(classes, byName).filter { $1 == nil }.map(\.0)
      remarks =
        extra.isEmpty
        ? [] : ["the data set has no \(Self.listed(extra)): boxes of these are passed over"]
    } else if classes.count == categories.count {
      self.categories = categories.map(\.id)
      remarks = [
        "the class names differ (the detector's '\(classes[0])', the data set's "
          + "'\(categories[0].name)' …): matched by position"
      ]
    } else {
      throw HeadError.classes(model: classes, dataset: categories.map(\.name))
    }
  }

  /// Boxes as COCO results of an image.
  public func records(_ boxes: [Detection], image: Int) -> [DetectionRecord] {
    boxes.compactMap { detection in
      guard let category = categories[detection.classIndex] else { return nil }
      return DetectionRecord(
        image: image, category: category, x: detection.box.left, y: detection.box.top,
        width: detection.box.width, height: detection.box.height, score: detection.confidence)
    }
  }

  private static func listed(_ names: [String]) -> String {
    names.prefix(5).joined(separator: ", ")
      + (names.count > 5 ? " and \(names.count - 5) more" : "")
  }
}
