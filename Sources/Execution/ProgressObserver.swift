/// An observer of progress and of notes about long work.
///
/// Libraries report here and never print. Implementations are called from the thread that works.
public protocol ProgressObserver: Sendable {
  /// Notes that something happened.
  func observe(_ event: ProgressEvent)
}

/// An event for an observer.
public enum ProgressEvent: Sendable, Equatable {
  /// A job with a number of units begins, for example "calibrating" with 128 "images".
  case began(title: String, total: Int, unit: String)
  /// A number of units of the job that began last are done.
  case advanced(Int)
  /// The job that began last has ended.
  case ended
  /// A note for the user.
  case note(NoteLevel, String)
}

/// The importance of a note.
public enum NoteLevel: Sendable, Equatable {
  /// Details, for verbose output.
  case info
  /// A note that the user should see.
  case notice
  /// A warning of something that may be wrong.
  case warning
}

extension ProgressObserver {
  /// Does a job.
  ///
  /// `work` gets a closure that it calls with the number of units done.
  public func job<Result>(
    _ title: String, total: Int, unit: String, _ work: ((Int) -> Void) throws -> Result
  ) rethrows -> Result {
    observe(.began(title: title, total: total, unit: unit))
    defer { observe(.ended) }
    return try work { observe(.advanced($0)) }
  }

  /// Notes details.
  public func info(_ text: String) { observe(.note(.info, text)) }
  /// Notes something that the user should see.
  public func notice(_ text: String) { observe(.note(.notice, text)) }
  /// Warns of something that may be wrong.
  public func warning(_ text: String) { observe(.note(.warning, text)) }
}

/// An observer that ignores all events.
public struct SilentProgress: ProgressObserver {
  /// A silent observer.
  public init() {}

  /// Does nothing.
  public func observe(_ event: ProgressEvent) {}
}
