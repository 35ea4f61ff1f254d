/// Is told how far long work is and what is worth knowing about it.
///
/// Libraries report here and never print. Implementations are called from the thread that works.
public protocol ProgressObserver: Sendable {
  /// Notes that something happened.
  func observe(_ event: ProgressEvent)
}

/// What an observer is told.
public enum ProgressEvent: Sendable, Equatable {
  /// A job of so many units begins: "calibrating", 128 "images".
  case began(title: String, total: Int, unit: String)
  /// So many units of the job that began last are done.
  case advanced(Int)
  /// The job that began last has ended.
  case ended
  /// A sentence for the user.
  case note(NoteLevel, String)
}

/// How much a note matters.
public enum NoteLevel: Sendable, Equatable {
  /// Details for those who ask.
  case info
  /// What a user should see.
  case notice
  /// What may be wrong.
  case warning
}

extension ProgressObserver {
  /// Does a job; `work` says how many units are done through what it is given.
  public func job<Result>(
    _ title: String, total: Int, unit: String, _ work: ((Int) -> Void) throws -> Result
  ) rethrows -> Result {
    observe(.began(title: title, total: total, unit: unit))
    defer { observe(.ended) }
    return try work { observe(.advanced($0)) }
  }

  /// Tells details.
  public func info(_ text: String) { observe(.note(.info, text)) }
  /// Tells what a user should see.
  public func notice(_ text: String) { observe(.note(.notice, text)) }
  /// Tells what may be wrong.
  public func warning(_ text: String) { observe(.note(.warning, text)) }
}

/// Keeps quiet.
public struct SilentProgress: ProgressObserver {
  /// An observer that drops what it is told.
  public init() {}

  /// Does nothing.
  public func observe(_ event: ProgressEvent) {}
}
