import Foundation

/// The seconds that this thread computed for, whatever else the machine did meanwhile.
public func processorSeconds(_ work: () throws -> Void) rethrows -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
  let start = now()
  try work()
  return now() - start
}

/// How many times as much four times as much work takes of the processor, the least of three.
public func processorGrowth(_ work: (_ factor: Int) throws -> Void) rethrows -> Double {
  var least = Double.infinity
  for _ in 0..<3 {
    let small = try processorSeconds { try work(1) }
    let large = try processorSeconds { try work(4) }
    least = min(least, large / small)
  }
  return least
}
