import Foundation
import Synchronization

/// A fixed team of threads that runs the parts of one kernel side by side.
///
/// Each thread first takes the part with its own number, so that what it wrote in one job is in its
/// cache in the next. Then it takes parts that no thread has taken. Which thread takes which part
/// may vary. Kernels keep results independent of that: parts write disjoint memory, and the order
/// of every sum within a part is fixed.
///
/// Idle workers spin for a moment, then sleep.
public final class ThreadPool: Sendable {
  /// The number of threads that work, the calling one included.
  public let threadCount: Int

  private let team: Team?

  /// A team of `threads` threads; 1 runs everything on the caller.
  ///
  /// - Precondition: `threads` is at least 1.
  public init(threads: Int) {
    precondition(threads >= 1)
    threadCount = threads
    team = threads > 1 ? Team(workers: threads - 1) : nil
  }

  deinit { team?.stop() }

  /// Runs `body(0)` … `body(count - 1)`, each once, and returns when all have ended.
  ///
  /// Must not be called from within a `body` of the same pool.
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    guard let team, count > 1 else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { team.run($0, count: count) }
  }

  /// What `body` returns for 0 … count − 1, in order.
  ///
  /// - Throws: what `body` throws; of several errors, the first in order.
  public func map<Element>(_ count: Int, _ body: (Int) throws -> Element) throws -> [Element] {
    var results = [Result<Element, any Error>?](repeating: nil, count: max(count, 0))
    results.withUnsafeMutableBufferPointer { memory in
      let slots = memory
      forEach(slots.count) { index in slots[index] = Result { try body(index) } }
    }
    return try results.compactMap { try $0?.get() }
  }
}

/// The workers of a pool and what they share; each worker keeps it alive.
private final class Team: @unchecked Sendable {
  typealias Body = (Int) -> Void

  private let workers: Int
  private let generation = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  /// One bit for each of the first parts, set once a thread has taken it.
  private let taken = Atomic<UInt64>(0)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)
  private let wake = NSCondition()
  private let caller = NSLock()
  private var job: Body?
  private var partCount = 0

  /// How often a thread looks at the shared counters before it yields to other threads, and then
  /// sleeps.
  private static let spins = 20_000
  private static let yields = 50

  init(workers: Int) {
    self.workers = workers
    for index in 1...workers {
      let thread = Thread { self.work(index) }
      thread.name = "compress-\(index)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    wake.lock()
    generation.add(1, ordering: .sequentiallyConsistent)
    wake.broadcast()
    wake.unlock()
  }

  func run(_ body: @escaping Body, count: Int) {
    caller.lock()
    defer { caller.unlock() }
    job = body
    partCount = count
    next.store(min(count, workers + 1, UInt64.bitWidth), ordering: .relaxed)
    taken.store(0, ordering: .relaxed)
    finished.store(0, ordering: .relaxed)
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      wake.lock()
      wake.broadcast()
      wake.unlock()
    }
    takeParts(0)
    var looks = 0
    while finished.load(ordering: .acquiring) < workers {
      looks += 1
      if looks > Self.spins { sched_yield() }
    }
    job = nil
  }

  /// Runs the part of the thread's own number, then the parts beyond the number of threads, then
  /// what slower threads have left.
  private func takeParts(_ index: Int) {
    guard let job else { return }
    let reserved = min(partCount, workers + 1, UInt64.bitWidth)
    func take(_ part: Int) {
      let bit = UInt64(1) << UInt64(part)
      if taken.bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0 { job(part) }
    }
    if index < reserved { take(index) }
    while partCount > reserved {
      let part = next.add(1, ordering: .relaxed).oldValue
      if part >= partCount { break }
      job(part)
    }
    for part in 0..<reserved where part != index { take(part) }
  }

  private func work(_ index: Int) {
    var seen = 0
    while true {
      awaitGeneration(after: seen)
      if isStopping.load(ordering: .acquiring) { return }
      seen += 1
      takeParts(index)
      finished.add(1, ordering: .releasing)
    }
  }

  private func awaitGeneration(after seen: Int) {
    for look in 0..<Self.spins + Self.yields {
      if generation.load(ordering: .acquiring) != seen { return }
      if look >= Self.spins { sched_yield() }
    }
    wake.lock()
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen { wake.wait() }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    wake.unlock()
  }
}
