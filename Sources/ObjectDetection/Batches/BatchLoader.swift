import Foundation
import Synchronization
import Tensors

/// A batch of training images.
public struct Batch: Sendable {
  /// `[N, 3, H, W]`, preprocessed.
  public var images: [Float]
  /// The objects of each image, in network pixels.
  public var targets: [[LabelledBox]]
  /// The index of each image in the data set; of a mosaic, that of its first image.
  public var imageIndices: [Int]
}

/// Makes batches of augmented images, and prepares the next ones in the background.
///
/// A batch depends on seed, epoch and index alone. Each epoch visits the images in an order of its
/// own. The last batch is filled up from the front of that order, so every image is used and every
/// batch is full.
public final class BatchLoader: Sendable {
  /// Batches per epoch.
  public let batchesPerEpoch: Int
  private let sampler: BatchSampler
  private let queue = DispatchQueue(label: "compress.batches", qos: .utility)
  private let state = Mutex([Key: Job]())

  private struct Key: Hashable {
    var epoch: Int
    var index: Int
  }

  /// How many batches are made ahead.
  private static let ahead = 2

  /// A loader for a data set.
  ///
  /// - Parameters:
  ///   - classes: The detector's classes. Categories are matched to them as in evaluation; crowds
  ///     are left out.
  ///   - needsLabels: Whether a data set is refused when its categories are not the classes.
  ///   - epochs: The number of all epochs, which decides when those without mosaic and mixup begin.
  ///   - cacheBytes: The most that decoded images may take in memory.
  /// - Throws: ``HeadError/classes(model:dataset:)``, ``DatasetError/noImages(_:)``.
  public init(
    _ dataset: Dataset, classes: [String], preprocessing: Preprocessing, width: Int, height: Int,
    batchSize: Int, augmentation: Augmentation, epochs: Int, seed: UInt64,
    needsLabels: Bool = true, cacheBytes: Int = 1 << 30
  ) throws {
    guard !dataset.images.isEmpty else { throw DatasetError.noImages(dataset.source.path) }
    sampler = try BatchSampler(
      dataset, classes: classes, preprocessing: preprocessing, width: width, height: height,
      batchSize: batchSize, augmentation: augmentation, epochs: epochs, seed: seed,
      needsLabels: needsLabels, cache: ImageCache(bytes: cacheBytes))
    batchesPerEpoch = (dataset.images.count + batchSize - 1) / batchSize
  }

  /// A batch of an epoch, both counted from 0.
  ///
  /// - Throws: ``ImageError`` naming an image that cannot be read.
  public func batch(epoch: Int, index: Int) throws -> Batch {
    var key = Key(epoch: epoch, index: index)
    let job = state.withLock { jobs in
      let job = jobs.removeValue(forKey: key) ?? start(key)
      // Only the next batches are kept.
      var wanted: [Key: Job] = [:]
      for _ in 0..<Self.ahead {
        key = following(key)
        wanted[key] = jobs[key] ?? start(key)
      }
      for (old, job) in jobs where wanted[old] == nil { job.cancel() }
      jobs = wanted
      return job
    }
    return try job.result()
  }

  private func following(_ key: Key) -> Key {
    key.index + 1 < batchesPerEpoch
      ? Key(epoch: key.epoch, index: key.index + 1) : Key(epoch: key.epoch + 1, index: 0)
  }

  private func start(_ key: Key) -> Job {
    let job = Job()
    queue.async { [sampler] in job.run { try sampler.batch(epoch: key.epoch, index: key.index) } }
    return job
  }

  deinit {
    state.withLock { jobs in
      for job in jobs.values { job.cancel() }
    }
  }

  /// One batch that is being made.
  private final class Job: Sendable {
    private struct State {
      var isCancelled = false
      var result: Result<Batch, any Error>?
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    func cancel() { state.withLock { $0.isCancelled = true } }

    func run(_ work: () throws -> Batch) {
      guard !state.withLock({ $0.isCancelled }) else { return }
      let result = Result(catching: work)
      state.withLock { $0.result = result }
      done.signal()
    }

    func result() throws -> Batch {
      done.wait()
      return try state.withLock { state in
        guard let result = state.result else { throw CancellationError() }
        return try result.get()
      }
    }
  }
}
