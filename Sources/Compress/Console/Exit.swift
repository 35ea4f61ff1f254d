import ArgumentParser
import Formats
import Foundation

/// What the process tells its caller when it ends: the codes of `sysexits.h`, and 3.
enum ExitStatus: Int32 {
  case done = 0
  case qualityFloorMissed = 3
  case usage = 64
  case badData = 65
  case noInput = 66
  case internalError = 70
  case inputOutput = 74
}

/// A failure with a sentence for the user and the status the process ends with.
struct CommandError: Error, CustomStringConvertible {
  var status: ExitStatus
  var description: String

  /// A failure that ends the process with `status`.
  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }
}

/// Ends the process.
enum Exit {
  /// Prints the error on standard error and ends with the status that fits it.
  ///
  /// The version and completion scripts are results and go to standard output.
  ///
  /// - Parameter path: The program and the verbs that the command line names.
  static func with(_ error: any Error, path: [any ParsableCommand.Type]) -> Never {
    let parser = path[0]
    if let status = ErrorStatus.of(error) {
      if !(error is QualityFloorMissed) { Console.error(ErrorStatus.text(of: error)) }
      exit(status.rawValue)
    }
    switch parser.exitCode(for: error) {
    case .success:
      Console.result(parser.fullMessage(for: error))
      exit(ExitStatus.done.rawValue)
    case .validationFailure: usage(parser.message(for: error), of: path)
    default:
      Console.error(ErrorStatus.text(of: error))
      exit(ExitStatus.internalError.rawValue)
    }
  }

  /// Ends with the status for wrong usage: what is wrong, and how the verb is called.
  static func usage(_ message: String, of path: [any ParsableCommand.Type]) -> Never {
    Console.error(message)
    Console.note("usage:\n\(HelpPage(of: path).usage)")
    Console.note("  \(path.map(CommandPath.name).joined(separator: " ")) -h says more")
    exit(ExitStatus.usage.rawValue)
  }
}

/// The model is written, but not as accurate as was asked for; the reason has been printed.
struct QualityFloorMissed: Error, LocatedError {
  /// Always.
  var isLocated: Bool { true }
}

extension CommandError: LocatedError {
  /// Whether the sentence is about a file that it begins with, or about options.
  var isLocated: Bool {
    switch status {
    case .badData, .internalError: description.contains(#/^\S*[.\/]\S*: /#)
    default: true
    }
  }
}

extension ValidationError: LocatedError {
  /// Always: it is about options.
  public var isLocated: Bool { true }
}

extension ExitCode: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}

extension CleanExit: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}
