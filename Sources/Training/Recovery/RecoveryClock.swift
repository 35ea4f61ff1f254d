/// How much of a recovery's limit is used.
struct RecoveryClock {
  let limit: RecoveryLimit
  /// Steps of the optimiser so far, trials included.
  private(set) var steps = 0
  private let start = ContinuousClock.now

  /// A clock that starts now.
  init(_ limit: RecoveryLimit) { self.limit = limit }

  /// Wall time so far, in minutes.
  var minutes: Double { (ContinuousClock.now - start) / .seconds(60) }

  /// The used part of the limit; 1 and more at its end.
  var part: Double {
    switch limit {
    case .minutes(let most): most > 0 ? minutes / most : 1
    case .steps(let most): most > 0 ? Double(steps) / Double(most) : 1
    }
  }

  /// The minutes that are left at the pace so far; `nil` before there is one.
  var minutesLeft: Double? {
    switch limit {
    case .minutes(let most): max(0, most - minutes)
    case .steps: part > 0 ? max(0, minutes * (1 - part) / part) : nil
    }
  }

  /// Counts a step.
  mutating func tick() { steps += 1 }
}
