import Foundation
import Synchronization
import Tensors

/// The score of a detector on a data set.
public struct DetectorEvaluation: Sendable {
  /// The twelve numbers.
  public var summary: CocoSummary
  /// Precision by class.
  public var classes: [ClassPrecision]
  /// What the detector found, with the data set's ids.
  public var records: [DetectionRecord]
  /// Images that could not be decoded, with the reason.
  public var skipped: [String]

  /// Runs a detector on every image of a data set and scores it.
  ///
  /// The next images are decoded in the background while the network runs; results are in the order of the images.
  ///
  /// - Parameters:
  ///   - skipsBad: Whether images that cannot be decoded are passed over instead of ending the run.
  ///   - progress: Told the number of images that are done.
  /// - Throws: ``HeadError/classes(model:dataset:)``, ``ImageError``, and what the network throws.
  public init(
    _ detector: Detector, on dataset: Dataset, skipsBad: Bool = false, pool: ThreadPool,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let categories = try Self.categories(detector.configuration, dataset)
    var skipped: [String] = []
    var records: [DetectionRecord] = []
    try Self.run(detector, on: dataset, skipsBad: skipsBad, progress: progress) { image, result in
      switch result {
      case .success(let detections):
        records += detections.map { detection in
          DetectionRecord(
            image: image.id, category: categories[detection.classIndex], x: detection.box.left,
            y: detection.box.top, width: detection.box.width, height: detection.box.height,
            score: detection.confidence)
        }
      case .failure(let error): skipped.append("\(error)")
      }
    }
    let score = CocoEvaluation(dataset, detections: records, pool: pool)
    summary = score.summary
    classes = score.classes
    self.records = records
    self.skipped = skipped
  }

  /// The category id of each class of a detector: by name when all names are known, else by position.
  static func categories(
    _ configuration: HeadConfiguration, _ dataset: Dataset
  ) throws -> [Int] {
    let byName = Dictionary(
      dataset.categories.map { ($0.name.lowercased(), $0.id) }, uniquingKeysWith: { a, _ in a })
    let named = configuration.classes.compactMap { byName[$0.lowercased()] }
    if named.count == configuration.classes.count { return named }
    guard configuration.classes.count == dataset.categories.count else {
      throw HeadError.classes(
        model: configuration.classes.count, dataset: dataset.categories.count)
    }
    return dataset.categories.map(\.id)
  }

  private static func run(
    _ detector: Detector, on dataset: Dataset, skipsBad: Bool, progress: (Int) -> Void,
    _ body: (Dataset.Image, Result<[Detection], ImageError>) throws -> Void
  ) throws {
    let size = detector.inputSize
    let preparation = ImagePreparation(
      dataset.images.map(\.file), preprocessing: detector.configuration.preprocessing,
      width: size.width, height: size.height)
    defer { preparation.cancel() }
    for (index, image) in dataset.images.enumerated() {
      switch preparation.next() {
      case .success(let prepared):
        prepared.values.withUnsafeBufferPointer {
          if let base = $0.baseAddress { detector.input.update(from: base, count: $0.count) }
        }
        try body(image, .success(try detector.detect(placement: prepared.placement)))
      case .failure(let error):
        guard skipsBad else { throw error }
        try body(image, .failure(error))
      }
      progress(index + 1)
    }
  }
}

/// Images decoded and fitted ahead of their use, in order, a few at a time.
final class ImagePreparation: @unchecked Sendable {
  struct Prepared {
    var values: [Float]
    var placement: Preprocessing.Placement
  }

  private static let depth = 4
  private let slots = DispatchSemaphore(value: ImagePreparation.depth)
  private let ready = DispatchSemaphore(value: 0)
  private let queue = Mutex<[Result<Prepared, ImageError>]>([])
  private let isCancelled = Atomic<Bool>(false)

  init(_ files: [URL], preprocessing: Preprocessing, width: Int, height: Int) {
    Thread.detachNewThread { [self] in
      for file in files {
        slots.wait()
        if isCancelled.load(ordering: .acquiring) { return }
        let result = Self.prepare(file, preprocessing, width: width, height: height)
        queue.withLock { $0.append(result) }
        ready.signal()
      }
    }
  }

  /// The next image; must not be called more often than there are files.
  func next() -> Result<Prepared, ImageError> {
    ready.wait()
    let result = queue.withLock { $0.removeFirst() }
    slots.signal()
    return result
  }

  /// Lets the background thread end early.
  func cancel() {
    isCancelled.store(true, ordering: .releasing)
    slots.signal()
  }

  private static func prepare(
    _ file: URL, _ preprocessing: Preprocessing, width: Int, height: Int
  ) -> Result<Prepared, ImageError> {
    do {
      let image = try ImageFile.load(file)
      var placement = Preprocessing.Placement(scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0)
      let values = [Float](unsafeUninitializedCapacity: 3 * width * height) { buffer, count in
        count = 3 * width * height
        guard let base = buffer.baseAddress else { return }
        placement = preprocessing.apply(image, width: width, height: height, to: base)
      }
      return .success(Prepared(values: values, placement: placement))
    } catch let error as ImageError {
      return .failure(error)
    } catch {
      return .failure(.damaged(file: file.path, reason: "\(error)"))
    }
  }
}
