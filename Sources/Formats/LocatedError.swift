/// An error that may say by itself which file it is about.
///
/// Who works on a file puts the file's name before every error that does not.
public protocol LocatedError: Error {
  /// Whether the sentence names the file, or is about something else than a file.
  var isLocated: Bool { get }
}

extension FormatError: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}

extension NPYError: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}
