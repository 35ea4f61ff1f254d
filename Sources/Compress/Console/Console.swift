import Formats
import Foundation

/// Standard output for results, standard error for everything else.
enum Console {
  /// Prints a result; ends the process with status 74 when it cannot be written.
  static func result(_ text: String) {
    guard !write(text + "\n", to: STDOUT_FILENO) else { return }
    let reason = String(cString: strerror(errno))
    error("the result cannot be written to standard output: \(reason)")
    exit(ExitStatus.inputOutput.rawValue)
  }

  /// Prints an error.
  static func error(_ text: String) { note("error: \(text)") }

  /// Prints a remark that is not a result.
  static func note(_ text: String) { draw(text + "\n") }

  /// Writes to standard error as it is; nobody can be told when that fails.
  static func draw(_ text: String) { _ = write(text, to: STDERR_FILENO) }

  private static func write(_ text: String, to handle: Int32) -> Bool {
    Array(text.utf8).withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let written = Foundation.write(
          handle, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return false }
        offset += written
      }
      return true
    }
  }

  /// Whether standard error is a terminal that can redraw a line.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Prints a result as JSON with sorted keys.
  static func json(_ value: some Encodable) throws {
    let data = try JSONFile.encoder(.prettyPrinted).encode(value)
    result(String(decoding: data, as: UTF8.self))
  }
}
