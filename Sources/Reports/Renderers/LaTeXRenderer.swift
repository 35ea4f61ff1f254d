import Foundation

extension ReportRenderer {
  /// Tables and figures for a paper, included by `\input`.
  static let latex = ReportRenderer(file: "report.tex") { Data(LaTeXReport($0).text.utf8) }
}

/// Lays a comparison out as LaTeX floats that need the packages booktabs and graphicx.
struct LaTeXReport {
  private let report: ComparisonReport

  init(_ report: ComparisonReport) { self.report = report }

  var text: String {
    ([preamble, comparison] + classes + figures).joined(separator: "\n\n") + "\n"
  }

  private var preamble: String {
    """
    % \(LaTeX.comment(report.title)). Needs \\usepackage{booktabs,graphicx}.
    % \(LaTeX.comment(report.manifest.commandLine))
    % Where this folder lies, for the figures; say \\newcommand{\\compressreport}{folder} before \\input.
    \(LaTeX.settings)
    """
  }

  private var comparison: String {
    let columns = Self.columns.filter { column in
      report.models.contains { column.value($0) != nil }
    }
    let isScored = report.models[0].accuracy != nil
    var head = ["model"] + columns.map(\.title)
    if isScored { head += ["mAP", "$\\Delta$"] }
    let rows = report.models.indices.map { row($0, columns, isScored: isScored) }
    return LaTeX.table(
      caption: caption(isScored: isScored), label: "tab:compress", head: head, rows: rows)
  }

  private struct Column {
    var title: String
    var style: @Sendable (Double) -> String
    var value: @Sendable (ModelEvidence) -> Double?
  }

  private static let columns: [Column] = [
    .init(title: "params (M)", style: { String(format: "%.3f", $0) }) {
      Double($0.parameters) / 1e6
    },
    .init(title: "nonzero (M)", style: { String(format: "%.3f", $0) }) {
      Double($0.nonzeros) / 1e6
    },
    .init(title: "MACs (M)", style: { String(format: "%.1f", $0) }) { Double($0.macs) / 1e6 },
    .init(title: "size (MB)", style: { String(format: "%.2f", $0) }) { Double($0.fileBytes) / 1e6 },
    .init(title: "gzip (MB)", style: { String(format: "%.2f", $0) }) { Double($0.gzipBytes) / 1e6 },
    .init(title: "ms", style: { String(format: "%.2f", $0) }) { $0.measured?.latencyMedian },
    .init(title: "mJ", style: { String(format: "%.2f", $0) }) { $0.energy?.millijoules },
  ]

  private func row(_ index: Int, _ columns: [Column], isScored: Bool) -> [String] {
    let model = report.models[index]
    var cells = [LaTeX.escaped(model.name)]
    cells += columns.map { column in column.value(model).map(column.style) ?? "--" }
    guard isScored else { return cells }
    cells.append(score(model))
    guard index > 0, let base = report.models[0].accuracy?["AP"], let ap = model.accuracy?["AP"]
    else { return cells + [""] }
    let mark = report.test(of: index).map { $0.isWithinNoise ? "" : "$^{*}$" } ?? ""
    return cells + [String(format: "$%+.2f$", 100 * (ap - base)) + mark]
  }

  /// mAP in percent with the ends of its interval.
  private func score(_ model: ModelEvidence) -> String {
    guard let ap = model.accuracy?["AP"], ap >= 0 else { return "--" }
    guard let ends = model.apInterval else { return String(format: "%.2f", 100 * ap) }
    return String(format: "%.2f (%.2f, %.2f)", 100 * ap, 100 * ends.low, 100 * ends.high)
  }

  private func caption(isScored: Bool) -> String {
    var text = LaTeX.escaped(report.title) + "."
    if let data = report.manifest.data {
      text += " \(data.count)."
    }
    if isScored {
      text +=
        " mAP is COCO AP at IoU .50:.95 in per cent, with the 95\\,\\% interval of the bootstrap over images (BCa);"
        + " $\\Delta$ against the first row, $^{*}$ where a paired bootstrap over images finds a difference beyond noise."
    }
    if report.models.contains(where: { $0.measured != nil }) {
      text +=
        " ms: median latency of one image, \(report.manifest.threads) thread(s), "
        + LaTeX.escaped(report.manifest.cpu) + "."
    }
    text += " FLOPs are twice the MACs."
    if report.models.contains(where: { $0.energy != nil }) {
      text += " mJ: energy estimated by Horowitz's 45\\,nm table (ISSCC 2014)."
    }
    return text
  }

  private var classes: [String] {
    var seen: Set<String> = []
    let names = report.models.flatMap(\.classes).map(\.name).filter { seen.insert($0).inserted }
    guard !names.isEmpty, names.count <= Self.mostClasses else { return [] }
    let rows = names.map { name in
      [LaTeX.escaped(name)]
        + report.models.map { model in
          let ap = model.classes.first { $0.name == name }?.ap ?? -1
          return ap < 0 ? "--" : String(format: "%.2f", 100 * ap)
        }
    }
    return [
      LaTeX.table(
        caption: "AP of each class, IoU .50:.95, in per cent.", label: "tab:compress-classes",
        head: ["class"] + report.models.map { LaTeX.escaped($0.name) }, rows: rows)
    ]
  }

  private static let mostClasses = 30

  private var figures: [String] {
    report.figures.map { entry in
      """
      \\begin{figure}[tbp]
        \\centering
        \\includegraphics[width=\\compressfigurewidth]{\\compressreport/figures/\(entry.description.name).pdf}
        \\caption{\(LaTeX.escaped(entry.description.caption))}
        \\label{fig:\(entry.description.name)}
      \\end{figure}
      """
    }
  }
}

/// Pieces of LaTeX.
enum LaTeX {
  /// Defaults for the folder and the width of figures, which the paper may set before.
  static let settings = """
    \\providecommand{\\compressreport}{.}
    \\providecommand{\\compressfigurewidth}{0.8\\linewidth}
    """

  /// A table, at most as wide as the line.
  static func table(caption: String, label: String, head: [String], rows: [[String]]) -> String {
    let body = rows.map { "  " + $0.joined(separator: " & ") + " \\\\" }.joined(separator: "\n")
    let alignment = "l" + String(repeating: "r", count: max(head.count - 1, 0))
    return """
      \\begin{table}[tbp]
        \\centering
        \\caption{\(caption)}
        \\label{\(label)}
        \\smallskip
        \\small
        \\setlength{\\tabcolsep}{4pt}
        \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%
        \\begin{tabular}{\(alignment)}
        \\toprule
        \(head.joined(separator: " & ")) \\\\
        \\midrule
      \(body)
        \\bottomrule
        \\end{tabular}}
      \\end{table}
      """
  }

  /// Text with LaTeX's special characters escaped and others replaced by commands.
  static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { words[$0] ?? ($0.value < 128 ? String($0) : "?") }.joined()
  }

  /// Text for the rest of a comment's line.
  static func comment(_ text: String) -> String {
    text.unicodeScalars.map { $0 == "\n" || $0.value >= 128 ? " " : String($0) }.joined()
  }

  private static let words: [Unicode.Scalar: String] = [
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#",
    "%": "\\%", "_": "\\_", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "\n": " ", "–": "--",
    "—": "---", "…": "\\ldots{}", "×": "$\\times$", "±": "$\\pm$", "Δ": "$\\Delta$",
    "γ": "$\\gamma$", "²": "$^2$", "→": "$\\to$", "≤": "$\\le$", "≥": "$\\ge$", "é": "\\'e",
    "®": "\\textregistered{}", "ä": "\\\"a", "ö": "\\\"o", "ü": "\\\"u", "ß": "\\ss{}",
  ]
}
