import Formats
import Foundation
import Logging
import Reports

/// The folder a report goes to.
struct ReportFolder {
  var path: String

  /// Writes every file of the report, each whole or not at all.
  func write(_ report: ComparisonReport, log: Logger) throws {
    for note in report.notes where note.contains("other settings") { log.warning("\(note)") }
    try OutputFolder.make(URL(filePath: path).appending(path: "figures"))
    for (name, content) in try report.files() {
      try AtomicOutput.write(content, to: URL(filePath: path).appending(path: name).path)
    }
    log.notice("report written to \(path)")
  }
}

extension Figure {
  /// Writes the figure into a folder as SVG and PDF.
  func write(to folder: URL, name: String) throws {
    for file in files(name) {
      try AtomicFile.write(file.content, to: folder.appending(path: file.name))
    }
  }
}
