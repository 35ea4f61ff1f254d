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
  /// The images that were scored, with their labels of the classes that were.
  public var scored: Dataset
  /// Remarks on how the detector's classes were matched to the data set's, where that is not
  /// evident.
  public var remarks: [String]

  /// Runs a detector on every image of a data set and scores it on the classes that both know.
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
    let (mapping, counted) = try Self.mapping(workers.configuration.classes, to: dataset)
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
    scored = counted.without(images: Set(skipped.map(\.image)))
    let score = CocoEvaluation(scored, detections: records, pool: pool)
    summary = score.summary
    classes = score.classes
    self.records = records
    self.skipped = skipped.map(\.reason)
    remarks = mapping.remarks + [detectors[0].answers.remark].compactMap { $0 }
  }

  /// How a detector's classes map to those of a data set, and the data set with the classes that
  /// both know.
  ///
  /// - Throws: ``HeadError/classes(model:dataset:)`` when there is none.
  private static func mapping(
    _ classes: [String], to dataset: Dataset
  ) throws -> (mapping: ClassMapping, counted: Dataset) {
    var mapping = try ClassMapping(classes, to: dataset.allCategories)
    let counted = dataset.counting(Set(mapping.categories.compactMap { $0 }))
    guard !counted.categories.isEmpty else {
      throw HeadError.classes(model: classes, dataset: dataset.categories.map(\.name))
    }
    let ids = Set(counted.categories.map(\.id))
    mapping.categories = mapping.categories.map { $0.flatMap { ids.contains($0) ? $0 : nil } }
    return (mapping, counted)
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
