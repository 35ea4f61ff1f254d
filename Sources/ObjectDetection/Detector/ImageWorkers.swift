import Foundation
import Synchronization
import Tensors

/// Detectors that work on the images of a job in parallel, one image at a time each.
///
/// Running several images in parallel, each on one thread, takes less time than running each image
/// on many threads. The boxes are the same.
public struct ImageWorkers {
  private let detectors: [Detector]

  /// Workers with copies of one detector, each on a runtime of its own.
  ///
  /// - Precondition: there is at least one.
  public init(_ detectors: [Detector]) {
    precondition(!detectors.isEmpty)
    self.detectors = detectors
  }

  /// The configuration of the detectors.
  public var configuration: HeadConfiguration { detectors[0].configuration }

  /// Calls `body` for each image with its pixels and boxes; returns its results in the order of the
  /// images.
  ///
  /// `body` runs on several threads at once. Each worker has at most one decoded image in memory.
  ///
  /// - Parameters:
  ///   - skipsBad: Whether images that cannot be decoded are returned as failures; otherwise they
  ///     end the job.
  ///   - progress: Called with the number of images that are done, by one thread at a time.
  /// - Throws: of several errors, that of the first image: ``ImageError``, what the network or
  ///   `body` throws.
  public func map<Output: Sendable>(
    _ images: [ImageSource], skipsBad: Bool = false, progress: (Int) -> Void = { _ in },
    _ body: (Int, PixelBuffer, [Detection]) throws -> Output
  ) throws -> [Result<Output, ImageError>] {
    let job = Job<Output>(count: images.count)
    nonisolated(unsafe) let detectors = self.detectors
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) let progress = progress
    let workers = max(1, min(detectors.count, images.count))
    ThreadPool(threads: workers).forEach(workers) { worker in
      while let index = job.next() {
        do {
          let image = try images[index].load()
          let boxes = try detectors[worker].detect(image)
          job.finish(index, .success(try body(index, image, boxes)), progress)
        } catch let error as ImageError where skipsBad {
          job.finish(index, .failure(error), progress)
        } catch {
          job.fail(index, error)
        }
      }
    }
    return try job.results()
  }
}

/// The state that the workers of one job share.
private final class Job<Output: Sendable>: Sendable {
  private struct State {
    var next = 0
    var done = 0
    var results: [Result<Output, ImageError>?]
    var failure: (index: Int, error: any Error)?
  }

  private let state: Mutex<State>

  init(count: Int) {
    state = Mutex(State(results: Array(repeating: nil, count: count)))
  }

  /// The next file to work on; `nil` when there is none or the job has failed.
  func next() -> Int? {
    state.withLock { state in
      guard state.failure == nil, state.next < state.results.count else { return nil }
      state.next += 1
      return state.next - 1
    }
  }

  func finish(_ index: Int, _ result: Result<Output, ImageError>, _ progress: (Int) -> Void) {
    state.withLock { state in
      state.results[index] = result
      state.done += 1
      progress(state.done)
    }
  }

  // Files are handed out in order. So every file before a failed one has been started, and the
  // first failure is always found.
  func fail(_ index: Int, _ error: any Error) {
    state.withLock { state in
      if index < state.failure?.index ?? .max { state.failure = (index, error) }
    }
  }

  func results() throws -> [Result<Output, ImageError>] {
    try state.withLock { state in
      if let failure = state.failure { throw failure.error }
      return state.results.compactMap { $0 }
    }
  }
}
