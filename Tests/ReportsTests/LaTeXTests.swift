import Foundation
import Reports
import TestSupport
import Testing

@Suite struct LaTeXTests {
  private static let compiler = ["/usr/bin/pdflatex", "/usr/local/bin/pdflatex"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// The report as a paper would hold it goes through pdflatex without a word of complaint.
  @Test(.enabled(if: compiler != nil, "pdflatex is not installed"))
  func theTablesAndFiguresCompile() throws {
    let folder = try TemporaryFolder()
    var report = FixedReport.report
    report.models[1].name = #"50 % of $x_1^2$ & {more} #1 \~ <b> Δ"#
    for file in try report.files() {
      let url = folder.url.appending(path: "report/\(file.name)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try file.content.write(to: url)
    }
    let paper = #"""
      \documentclass{article}
      \usepackage{booktabs,graphicx}
      \newcommand{\compressreport}{report}
      \begin{document}
      \input{report/report.tex}
      \end{document}

      """#
    try Data(paper.utf8).write(to: folder.url.appending(path: "paper.tex"))
    let process = Process()
    process.executableURL = URL(filePath: Self.compiler ?? "")
    process.arguments = ["-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    process.currentDirectoryURL = folder.url
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let log = try String(
      decoding: Data(contentsOf: folder.url.appending(path: "paper.log")), as: UTF8.self)
    #expect(!log.contains("Overfull") && !log.contains("undefined"))
    #expect(log.contains("Output written on paper.pdf"))
  }
}
