import ArgumentParser
import Foundation
import Logging
import Synchronization

/// How a result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// What every verb understands.
struct CommonOptions: ParsableArguments {
  @Option(help: "Threads to compute with. (default: all cores)")
  var threads: Int?

  @Option(help: "Print the result as text or as JSON.")
  var format: OutputFormat = .text

  @Flag(name: .shortAndLong, help: "Print errors and results only.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Print what is being done.")
  var verbose = false

  mutating func validate() throws {
    try NumberRange.threads.check(("--threads", threads))
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
  }

  /// The threads to compute with.
  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  /// Whether progress may be drawn.
  var showsProgress: Bool { !quiet }

  /// A logger on standard error at the level asked for.
  var logger: Logger {
    var logger = Logger(label: "compress", factory: { _ in StandardErrorLog() })
    logger.logLevel = quiet ? .error : verbose ? .debug : .notice
    return logger
  }
}

/// A log that writes one plain line a message to standard error.
struct StandardErrorLog: LogHandler {
  var logLevel: Logger.Level = .notice
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Warnings that were printed: several models and steps may give the same.
  private static let printed = Mutex<Set<String>>([])

  func log(event: LogEvent) {
    let text = "\(event.message)"
    if event.level == .warning,
      !Self.printed.withLock({ $0.insert(text).inserted })
    {
      return
    }
    let prefix =
      switch event.level {
      case .warning: "warning: "
      case .error, .critical: "error: "
      default: ""
      }
    Console.note("\(prefix)\(text)")
  }
}
