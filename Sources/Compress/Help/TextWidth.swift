import Foundation

/// Text in lines of a width.
enum TextWidth {
  /// The width of the terminal, or what `COLUMNS` says; 80 where neither does.
  static var current: Int {
    let said = ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init)
    var size = winsize()
    let terminal = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 ? Int(size.ws_col) : 0
    let width = said ?? (terminal > 0 ? terminal : 80)
    return min(max(width, 60), 100)
  }

  /// Words in lines.
  ///
  /// - Parameters:
  ///   - indent: What the first line begins with.
  ///   - hanging: What all others begin with.
  static func fold(
    _ text: String, columns: Int, indent: String = "", hanging: String = ""
  ) -> String {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = lines.isEmpty ? indent : hanging
      var isEmpty = true
      for word in paragraph.split(separator: " ") {
        if !isEmpty, line.count + 1 + word.count > columns {
          lines.append(line)
          (line, isEmpty) = (hanging, true)
        }
        line += isEmpty ? "\(word)" : " \(word)"
        isEmpty = false
      }
      lines.append(isEmpty ? "" : line)
    }
    return lines.joined(separator: "\n")
  }

  /// A command line that goes on, where it is too long, behind a backslash before an option, so
  /// that it can be copied as it stands.
  static func shell(_ command: String, columns: Int) -> String {
    var parts: [String] = []
    for word in command.split(separator: " ").map(String.init) {
      if word.hasPrefix("-") || parts.isEmpty {
        parts.append(word)
      } else {
        parts[parts.count - 1] += " \(word)"
      }
    }
    var (lines, line) = ([String](), "  ")
    for part in parts {
      if line.count > 4, line.count + 1 + part.count + 2 > columns {
        lines.append(line + " \\")
        line = "      "
      }
      line += line.allSatisfy({ $0 == " " }) ? part : " \(part)"
    }
    return (lines + [line]).joined(separator: "\n")
  }
}
