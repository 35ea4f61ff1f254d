import Formats

/// An error of a file that is not what was written or scored.
public enum EvidenceError: Error, Equatable, CustomStringConvertible, LocatedError {
  /// Reading a file back gives another model than was written.
  case unequal(file: String)
  /// A file has changed since it was scored.
  case changed(file: String, before: String, after: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unequal(let file):
      "\(file): reading the file back gives another model than was written"
    case .changed(let file, let before, let after):
      "\(file): has changed since it was scored (SHA-256 \(before) then, \(after) now); run the "
        + "command again"
    }
  }

  /// Always.
  public var isLocated: Bool { true }
}
