import Foundation
import Synchronization

/// How far a job is, its rate and the time left: a line that is drawn again on a terminal, one line
/// in a log once the job has taken some seconds.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
    var isLogged = false
  }

  private let title: String
  private let total: Int
  private let unit: String
  private let start = ContinuousClock.now
  private let isShown: Bool
  private let outer: ProgressBar?
  private let state = Mutex(State())

  /// How long a job goes on before a log hears of it.
  static let patience = Duration.seconds(5)

  /// A bar for a job of `total` units.
  ///
  /// - Parameter outer: The job that this one is a part of. A log that has heard of it does not
  ///   hear of its parts.
  init(_ title: String, total: Int, unit: String, isShown: Bool, within outer: ProgressBar? = nil) {
    (self.title, self.total, self.unit) = (title, total, unit)
    (self.isShown, self.outer) = (isShown, outer)
    if isShown && Console.isTerminal { Console.draw("\r\u{1B}[2K\(line(0, elapsed: .zero))") }
  }

  /// Notes that `done` units are ready; redraws at most ten times a second.
  func update(_ done: Int) {
    guard isShown else { return }
    let now = ContinuousClock.now
    let line: String? = state.withLock { state in
      state.done = max(state.done, done)
      if Console.isTerminal {
        if let drawn = state.drawn, now - drawn < .milliseconds(100), done < total { return nil }
        state.drawn = now
        return "\r\u{1B}[2K" + self.line(state.done, elapsed: now - start)
      }
      guard !state.isLogged, now - start > Self.patience, state.done < total, !isPartOfLogged
      else { return nil }
      state.isLogged = true
      return "\(title): \(state.done) of \(total) \(unit), \(left(state.done, now - start))\n"
    }
    if let line { Console.draw(line) }
  }

  /// Removes the line.
  func finish() {
    guard isShown, Console.isTerminal else { return }
    Console.draw("\r\u{1B}[2K")
  }

  private var isPartOfLogged: Bool {
    outer.map { $0.state.withLock { $0.isLogged } || $0.isPartOfLogged } ?? false
  }

  /// Where the job stands in the one that it is a part of.
  private var place: String {
    guard let outer, outer.total > 1 else { return "" }
    let done = outer.state.withLock { $0.done }
    return "\(outer.unit) \(min(done + 1, outer.total))/\(outer.total): "
  }

  private func line(_ done: Int, elapsed: Duration) -> String {
    let width = 24
    let fraction = total > 0 ? Double(done) / Double(total) : 1
    let filled = Int(fraction * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    return "\(place)\(title) \(bar) \(done)/\(total) \(unit)  \(left(done, elapsed))"
  }

  private func left(_ done: Int, _ elapsed: Duration) -> String {
    guard done > 0 else { return "" }
    let seconds = elapsed / .seconds(1) / Double(done) * Double(total - done)
    return Self.time(seconds) + " left"
  }

  /// A time as people say it: `55 s`, `3 min`, `2 h 10 min`.
  static func time(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 1e8)).rounded())
    switch whole {
    case ..<90: return "\(whole) s"
    case ..<5400: return "\((whole + 30) / 60) min"
    default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
  }
}
