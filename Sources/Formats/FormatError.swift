import Foundation

/// Why a file cannot be read or written.
public struct FormatError: Error, Equatable, CustomStringConvertible {
  /// The class of a cause, which decides the exit status.
  public enum Kind: Sendable, Equatable {
    /// The bytes are not what they should be.
    case badData
    /// There is no such file.
    case noInput
    /// The system refused to read or write.
    case inputOutput
    /// What is to be written is something that was read.
    case conflict
  }

  /// The class of the cause.
  public var kind: Kind
  /// The file.
  public var file: String
  /// Where in the file, for example `initializer 'conv1.weight'`; empty for the file as a whole.
  public var place: String
  /// What is wrong there, and what to do.
  public var reason: String
  /// What the file is where it is a model of another program; `nil` for no such file.
  public var foreign: ForeignModel.Kind?

  /// An error at a place of a file.
  public init(_ kind: Kind, file: String, place: String = "", reason: String) {
    self.kind = kind
    self.file = file
    self.place = place
    self.reason = reason
  }

  /// The error for an `errno` of reading a file.
  ///
  /// - Parameter code: The value of `errno`.
  public init(reading file: String, code: Int32) {
    switch code {
    case ENOENT, ENOTDIR, ENAMETOOLONG:
      self.init(.noInput, file: file, reason: "there is no such file or folder")
    default:
      self.init(.inputOutput, file: file, reason: "cannot be read: \(Self.text(code))")
    }
  }

  /// The error for an `errno` of writing a file.
  ///
  /// - Parameter code: The value of `errno`.
  public init(writing file: String, code: Int32) {
    self.init(.inputOutput, file: file, reason: "cannot be written: \(Self.text(code))")
  }

  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// A sentence for the user.
  public var description: String {
    place.isEmpty ? "\(file): \(reason)" : "\(file): \(place): \(reason)"
  }
}

/// An error of a parser, which does not know the file.
struct PlacedError: Error {
  var kind: FormatError.Kind
  var place: String
  var reason: String

  init(_ place: String, _ reason: String, kind: FormatError.Kind = .badData) {
    self.kind = kind
    self.place = place
    self.reason = reason
  }
}
