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
///
/// A job ends with its last part, not with its last worker: a worker that the system has put aside
/// delays nobody unless it holds a part. Parts are therefore claimed for one generation of the
/// team, and what a late worker tries to claim for a generation that has ended is refused. `job`
/// and `partCount` may be read only while a claimed part is unfinished.
private final class Team: @unchecked Sendable {
  typealias Body = (Int) -> Void

  private let workers: Int
  private let generation = Atomic<Int>(0)
  /// For each thread's own part, the last generation in which it was claimed or did not exist.
  private let claims: UnsafeMutablePointer<Atomic<Int>>
  /// How many parts beyond the threads' own are unclaimed, below the generation that has them.
  private let rest = Atomic<UInt64>(0)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  private let wake = NSCondition()
  private let done = NSCondition()
  private let caller = NSLock()
  private var job: Body?
  private var partCount = 0

  /// How many of the next jobs are taken to share their processors with other programs.
  ///
  /// A caller that waits in vain sets it: then a worker has most likely lost its processor while it
  /// held a part. Workers that sleep soon keep more of their share for work.
  private let crowded = Atomic<Int>(0)

  /// How often a thread looks at the shared counters before it sleeps.
  ///
  /// The caller looks longer: what it waits for is under way.
  private static let looks = 200_000
  private static let crowdedLooks = 10_000
  private static let callerLooks = 2_000_000
  private static let crowdedCallerLooks = 60_000
  private static let crowdedJobs = 200
  /// A caller waits so long only for a worker without a processor.
  private static let longWait = Duration.microseconds(500)
  /// Claims stand a cache line apart.
  private static let stride = 8
  private static let restBits = UInt64(32)

  init(workers: Int) {
    self.workers = workers
    claims = .allocate(capacity: (workers + 1) * Self.stride)
    for index in 0..<(workers + 1) * Self.stride {
      (claims + index).initialize(to: Atomic(0))
    }
    for index in 1...workers {
      let thread = Thread { self.work(index) }
      thread.name = "compress-\(index)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  deinit {
    claims.deinitialize(count: (workers + 1) * Self.stride)
    claims.deallocate()
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
    let current = publish(body, count: count)
    takeParts(0, of: current)
    awaitParts(count)
    job = nil
  }

  /// Offers a job to the workers, and returns its generation.
  private func publish(_ body: @escaping Body, count: Int) -> Int {
    let current = generation.load(ordering: .relaxed) + 1
    let crowdedJobs = crowded.load(ordering: .relaxed)
    if crowdedJobs > 0 { crowded.store(crowdedJobs - 1, ordering: .relaxed) }
    job = body
    partCount = count
    finished.store(0, ordering: .relaxed)
    let threads = workers + 1
    for part in min(count, threads)..<threads {
      claims[part * Self.stride].store(current, ordering: .relaxed)
    }
    rest.store(
      Self.tag(current) | UInt64(max(count - threads, 0)), ordering: .sequentiallyConsistent)
    generation.store(current, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      wake.lock()
      wake.broadcast()
      wake.unlock()
    }
    return current
  }

  private static func tag(_ generation: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: generation) << restBits
  }

  /// Runs the part of the thread's own number, then the parts beyond the number of threads, then
  /// what slower threads have left.
  private func takeParts(_ index: Int, of current: Int) {
    takeOwnPart(index, of: current)
    while true {
      let old = rest.load(ordering: .acquiring)
      let left = old & (1 << Self.restBits - 1)
      guard old - left == Self.tag(current), left > 0 else { break }
      let claim = rest.weakCompareExchange(
        expected: old, desired: old - 1, ordering: .acquiringAndReleasing)
      if claim.exchanged { finish(partCount - Int(left)) }
    }
    for part in 0...workers where part != index { takeOwnPart(part, of: current) }
  }

  private func takeOwnPart(_ part: Int, of current: Int) {
    let claim = claims + part * Self.stride
    let old = claim.pointee.load(ordering: .relaxed)
    guard old < current else { return }
    let (exchanged, _) = claim.pointee.compareExchange(
      expected: old, desired: current, ordering: .acquiringAndReleasing)
    if exchanged { finish(part) }
  }

  /// Runs a claimed part; the last one wakes a caller that sleeps.
  private func finish(_ part: Int) {
    let count = partCount
    job?(part)
    guard finished.add(1, ordering: .sequentiallyConsistent).newValue == count,
      callerSleeps.load(ordering: .sequentiallyConsistent)
    else { return }
    done.lock()
    done.broadcast()
    done.unlock()
  }

  private func awaitParts(_ count: Int) {
    let isCrowded = crowded.load(ordering: .relaxed) > 0
    let looks = isCrowded ? Self.crowdedCallerLooks : Self.callerLooks
    for _ in 0..<looks where finished.load(ordering: .acquiring) == count { return }
    let start = ContinuousClock.now
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    done.lock()
    while finished.load(ordering: .sequentiallyConsistent) < count { done.wait() }
    done.unlock()
    callerSleeps.store(false, ordering: .sequentiallyConsistent)
    if !isCrowded || ContinuousClock.now - start > Self.longWait {
      crowded.store(Self.crowdedJobs, ordering: .relaxed)
    }
  }

  private func work(_ index: Int) {
    var seen = 0
    while true {
      seen = awaitGeneration(after: seen)
      if isStopping.load(ordering: .acquiring) { return }
      takeParts(index, of: seen)
    }
  }

  /// The team's generation once it is beyond `seen`.
  private func awaitGeneration(after seen: Int) -> Int {
    let isCrowded = crowded.load(ordering: .relaxed) > 0
    for _ in 0..<(isCrowded ? Self.crowdedLooks : Self.looks) {
      let current = generation.load(ordering: .acquiring)
      if current != seen { return current }
    }
    wake.lock()
    defer { wake.unlock() }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen { wake.wait() }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    return generation.load(ordering: .sequentiallyConsistent)
  }
}
