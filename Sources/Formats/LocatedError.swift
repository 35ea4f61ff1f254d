/// An error whose description may name the file that it is about.
///
/// Code that works on a file puts the file's name before every error that is not located.
public protocol LocatedError: Error {
  /// Whether the description names the file, or the error is not about a file.
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
