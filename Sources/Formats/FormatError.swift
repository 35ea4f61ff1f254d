/// Why a model file cannot be read or written.
public struct FormatError: Error, Equatable, CustomStringConvertible {
  /// The class of a cause, which decides the exit status.
  public enum Kind: Sendable, Equatable {
    /// The bytes are not what they should be.
    case badData
    /// There is no such file.
    case noInput
    /// The system refused to read or write.
    case inputOutput
  }

  /// The class of the cause.
  public var kind: Kind
  /// The file.
  public var file: String
  /// Where in the file, for example `initializer 'conv1.weight'`; empty for the file as a whole.
  public var place: String
  /// What is wrong there, and what to do.
  public var reason: String

  /// An error at a place of a file.
  public init(_ kind: Kind, file: String, place: String = "", reason: String) {
    self.kind = kind
    self.file = file
    self.place = place
    self.reason = reason
  }

  /// A sentence for the user.
  public var description: String {
    place.isEmpty ? "\(file): \(reason)" : "\(file): \(place): \(reason)"
  }
}

/// An error whose file is not known yet: what parsers throw.
struct PlacedError: Error {
  var place: String
  var reason: String

  init(_ place: String, _ reason: String) {
    self.place = place
    self.reason = reason
  }
}
