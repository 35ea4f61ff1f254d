import Execution
import Formats
import Foundation
import Reports

/// The folder of a report.
public struct ReportFolder {
  private let path: String

  /// The folder at a path.
  public init(path: String) { self.path = path }

  /// Writes every file of the report, each whole or not at all.
  ///
  /// - Throws: `FormatError` when something cannot be written.
  public func write(_ report: ComparisonReport, progress: any ProgressObserver) throws {
    for note in report.notes where note.contains("other settings") { progress.warning(note) }
    try OutputFolder.make(URL(filePath: path).appending(path: "figures"))
    for (name, content) in try report.files() {
      try AtomicFile.write(content, to: URL(filePath: path).appending(path: name))
    }
    progress.notice("report written to \(path)")
  }
}

extension Figure {
  /// Writes the figure into a folder as SVG and PDF.
  public func write(to folder: URL, name: String) throws {
    for file in files(name) {
      try AtomicFile.write(file.content, to: folder.appending(path: file.name))
    }
  }
}
