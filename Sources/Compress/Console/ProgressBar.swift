import Foundation
import Synchronization

/// A line on the terminal that shows how far a job is, its rate and the time left.
///
/// Draws nothing unless standard error is a terminal.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
  }

  private let title: String
  private let total: Int
  private let unit: String
  private let start = ContinuousClock.now
  private let isShown: Bool
  private let state = Mutex(State())

  /// A bar for a job of `total` units.
  init(_ title: String, total: Int, unit: String, isShown: Bool) {
    self.title = title
    self.total = total
    self.unit = unit
    self.isShown = isShown && Console.isTerminal
  }

  /// Notes that `done` units are ready, and redraws at most ten times a second.
  func update(_ done: Int) {
    guard isShown else { return }
    let now = ContinuousClock.now
    let line: String? = state.withLock { state in
      state.done = max(state.done, done)
      if let drawn = state.drawn, now - drawn < .milliseconds(100), done < total { return nil }
      state.drawn = now
      return render(state.done, elapsed: now - start)
    }
    if let line { Console.draw("\r\u{1B}[2K\(line)") }
  }

  /// Removes the line.
  func finish() {
    guard isShown else { return }
    Console.draw("\r\u{1B}[2K")
  }

  private func render(_ done: Int, elapsed: Duration) -> String {
    let width = 24
    let fraction = total > 0 ? Double(done) / Double(total) : 1
    let filled = Int(fraction * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let seconds = elapsed / .seconds(1)
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let left = rate > 0 ? Double(total - done) / rate : 0
    return "\(title) \(bar) \(done)/\(total)  "
      + String(format: "%.1f %@/s  %.0f s left", rate, unit as NSString as CVarArg, left)
  }
}
