import Foundation
import Synchronization

/// A fixed team of threads that runs the parts of one kernel side by side.
///
/// Work is dealt out part by part from a shared counter, so which thread takes which part varies;
/// kernels keep results independent of that by writing disjoint memory and fixing every
/// summation order within a part. Workers spin briefly between jobs, then sleep.
public final class ThreadPool: @unchecked Sendable {
  /// The number of threads that work, the calling one included.
  public let threadCount: Int

  private typealias Body = (Int) -> Void
  private let generation = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let wake = NSCondition()
  private let caller = NSLock()
  private var job: UnsafePointer<Body>?
  private var partCount = 0
  private static let spins = 20_000

  /// A team of `threads` threads; 1 runs everything on the caller.
  ///
  /// - Precondition: `threads` is at least 1.
  public init(threads: Int) {
    precondition(threads >= 1)
    threadCount = threads
    for index in 1..<max(threads, 1) {
      let thread = Thread { [unowned self] in self.work() }
      thread.name = "compress-\(index)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  /// Runs `body(0)` … `body(count - 1)`, each once, and returns when all have ended.
  ///
  /// Must not be called from within a `body` of the same pool.
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    guard threadCount > 1, count > 1 else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    caller.lock()
    defer { caller.unlock() }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        job = pointer
        partCount = count
        next.store(0, ordering: .relaxed)
        finished.store(0, ordering: .relaxed)
        generation.add(1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
          wake.lock()
          wake.broadcast()
          wake.unlock()
        }
        takeParts()
        while finished.load(ordering: .acquiring) < threadCount - 1 {}
      }
    }
  }

  private func takeParts() {
    guard let job else { return }
    while true {
      let part = next.add(1, ordering: .relaxed).oldValue
      if part >= partCount { return }
      job.pointee(part)
    }
  }

  private func work() {
    var seen = 0
    while true {
      awaitGeneration(after: seen)
      if stopping.load(ordering: .acquiring) { return }
      seen += 1
      takeParts()
      finished.add(1, ordering: .releasing)
    }
  }

  private func awaitGeneration(after seen: Int) {
    for _ in 0..<Self.spins where generation.load(ordering: .acquiring) != seen { return }
    wake.lock()
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen { wake.wait() }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    wake.unlock()
  }

  deinit {
    stopping.store(true, ordering: .releasing)
    wake.lock()
    generation.add(1, ordering: .sequentiallyConsistent)
    wake.broadcast()
    wake.unlock()
  }
}
